import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Digest } from "@bitstore/core";

/** An API that makes blobs from their digests. */
export interface BlobApi extends AsyncDisposable {
  readonly endpoint: string;
  readonly url: string;
}

/** Starts an API that answers with what `make` gives for a digest, and 404 for undefined. */
export async function startBlobApi(
  make: (digest: Digest) => Uint8Array | undefined,
): Promise<BlobApi> {
  const server = createServer((request, response) => {
    const bytes = make(`sha256:${request.url?.slice("/blobs/".length) ?? ""}` as Digest);
    if (bytes === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-length": bytes.byteLength }).end(bytes);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    url: `${endpoint}/blobs/{hex}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
