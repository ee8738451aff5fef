import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An API that counts who asks for its blobs, and holds the answers about each until it is opened. */
export interface CountingOrigin extends AsyncDisposable {
  /** For a tier, with its place for the digest. */
  readonly url: string;
  /** Requests for a blob, by the hex of its sha256. */
  requests(hex: string): number;
  /** Lets what waits for a blob, and what comes, be answered. */
  open(hex: string): void;
}

export async function startCountingOrigin(blobs: readonly Buffer[]): Promise<CountingOrigin> {
  const known = new Map(
    blobs.map((bytes) => {
      const hex = createHash("sha256").update(bytes).digest("hex");
      return [hex, { bytes, requests: 0, opened: Promise.withResolvers<void>() }];
    }),
  );
  const server = createServer((request, response) => {
    const blob = known.get(request.url?.replace("/blobs/", "") ?? "");
    if (blob === undefined) {
      response.writeHead(404).end();
      return;
    }
    blob.requests += 1;
    void blob.opened.promise.then(() => {
      response.writeHead(200, { "content-length": blob.bytes.byteLength }).end(blob.bytes);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/blobs/{hex}`,
    requests: (hex) => known.get(hex)?.requests ?? 0,
    open: (hex) => known.get(hex)?.opened.resolve(),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
