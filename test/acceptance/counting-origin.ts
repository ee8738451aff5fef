import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An API with one blob that counts who asks for it, and holds its answers until it is opened. */
export interface CountingOrigin extends AsyncDisposable {
  /** For a tier, with its place for the digest. */
  readonly url: string;
  requests(): number;
  /** Lets what waits, and what comes, be answered. */
  open(): void;
}

export async function startCountingOrigin(hex: string, bytes: Buffer): Promise<CountingOrigin> {
  const opened = Promise.withResolvers<void>();
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    void opened.promise.then(() => {
      if (request.url !== `/blobs/${hex}`) response.writeHead(404).end();
      else response.writeHead(200, { "content-length": bytes.byteLength }).end(bytes);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/blobs/{hex}`,
    requests: () => requests,
    open: opened.resolve,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
