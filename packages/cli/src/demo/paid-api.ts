import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { DemoFile } from "./collect-files.ts";

/** An API that has blobs by digest and charges for every request. */
export interface PaidApi extends AsyncDisposable {
  /** URL template of a blob. */
  readonly url: string;
  /** Requests so far, absent blobs included. */
  requests(): number;
}

/** Starts the API on a free port of this machine, serving files by the hex of their digests. */
export async function startPaidApi(files: readonly DemoFile[]): Promise<PaidApi> {
  const byHex = new Map(files.map((file) => [file.digest.slice("sha256:".length), file]));
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const file = byHex.get(request.url?.slice("/blobs/".length) ?? "");
    if (file === undefined || request.method !== "GET") {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-length": file.size });
    createReadStream(file.path)
      .on("error", () => response.destroy())
      .pipe(response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/blobs/{hex}`,
    requests: () => requests,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
