import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createHash } from "node:crypto";
import type { AddressInfo } from "node:net";

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP API that has blobs by their hex, for one test. */
export interface BlobApi extends AsyncDisposable {
  /** Its URL, as `--tier` takes it. */
  readonly url: string;
  /** What was asked, such as `GET /9f86…`. */
  readonly requests: string[];
  /** Has a blob answered with its bytes; resolves to its digest. */
  add(bytes: Uint8Array): string;
  /** Has a digest answered in some other way. */
  answer(digest: string, how: Answer): void;
}

export async function openBlobApi(): Promise<BlobApi> {
  const answers = new Map<string, Answer>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const how = answers.get(request.url?.slice(1) ?? "");
    if (how !== undefined) how(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/{hex}`,
    requests,
    add(bytes) {
      const hex = createHash("sha256").update(bytes).digest("hex");
      answers.set(hex, (request, response) => {
        response.writeHead(200, { "content-length": bytes.byteLength });
        response.end(request.method === "HEAD" ? undefined : bytes);
      });
      return `sha256:${hex}`;
    },
    answer: (digest, how) => void answers.set(digest.slice("sha256:".length), how),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
