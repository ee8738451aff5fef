import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** One request as the stub got it, its body whole. */
export interface Asked {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answering = (asked: Asked, response: ServerResponse) => void | Promise<void>;

/** A service that says what a test wants it to say. */
export interface StubService extends AsyncDisposable {
  /** Of the account `acme`, to be given as endpoint. */
  readonly endpoint: string;
  readonly asked: readonly Asked[];
  /** Connections that were opened in all, and that are open now. */
  readonly connections: { readonly opened: number; readonly open: number };
  /** Resolves when every connection is closed. */
  allClosed(): Promise<void>;
}

/** Starts a service on a port of its own whose every answer is the test's. */
export async function stubService(answer: Answering): Promise<StubService> {
  const asked: Asked[] = [];
  const sockets = new Set<Socket>();
  let opened = 0;
  const server = http.createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const url = request.url ?? "";
      const one: Asked = {
        method: request.method ?? "",
        url,
        query: new URL(url, "http://stub").searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      asked.push(one);
      await answer(one, response);
    })().catch(() => response.destroy());
  });
  server.on("connection", (socket) => {
    opened += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      server.emit("one-closed");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}/acme`,
    asked,
    get connections() {
      return { opened, open: sockets.size };
    },
    allClosed: async () => {
      while (sockets.size > 0) await once(server, "one-closed");
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Answers an error as the service does. */
export function answerError(
  { method }: Asked,
  response: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    "x-ms-error-code": code,
    "x-ms-request-id": "request-1",
    "content-type": "application/xml",
    ...headers,
  });
  const error = `<Code>${code}</Code><Message>${code}\nTime:0</Message>`;
  const body = `<?xml version="1.0"?><Error>${error}</Error>`;
  response.end(method === "HEAD" ? undefined : body);
}

/** Answers a whole object. */
export function answerBytes(response: ServerResponse, bytes: Uint8Array, etag = '"0x1"'): void {
  response.writeHead(200, { etag, "content-length": bytes.byteLength });
  response.end(bytes);
}

/** Answers that something was created. */
export function answerCreated(response: ServerResponse): void {
  response.writeHead(201, { etag: '"0x2"', "content-length": 0 }).end();
}

/** Answers one page of a list, its keys in the order given. */
export function answerList(
  response: ServerResponse,
  keys: readonly string[],
  nextMarker = "",
): void {
  const blobs = keys.map(
    (key) =>
      `<Blob><Name>${key}</Name><Properties><Etag>0x1</Etag>` +
      "<Content-Length>5</Content-Length></Properties></Blob>",
  );
  response.writeHead(200, { "content-type": "application/xml" });
  response.end(
    `<?xml version="1.0"?><EnumerationResults ServiceEndpoint="x" ContainerName="c"><Blobs>` +
      `${blobs.join("")}</Blobs><NextMarker>${nextMarker}</NextMarker></EnumerationResults>`,
  );
}
