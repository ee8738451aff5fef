import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server got it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly endpoint: string;
  /** In the order in which they came. */
  readonly seen: Seen[];
  /** Connections that were made so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
}

export type Script = (seen: Seen, response: ServerResponse) => void | Promise<void>;

/**
 * Starts a real HTTP server on 127.0.0.1 that answers as the script says. Where `intercept` answers
 * true it has dealt with the request itself, before the body was read.
 */
export async function scriptedServer(
  script: Script,
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  const sockets = new Set<object>();
  let connections = 0;
  const server = http.createServer((request, response) => {
    if (intercept(request, response)) return;
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://server");
      const one: Seen = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      seen.push(one);
      void script(one, response);
    });
  });
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, value: unknown, headers = {}): void {
  const text = JSON.stringify(value);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

/** Answers as the service refuses. */
export function refuse(
  response: ServerResponse,
  code: number,
  reason = "reason",
  message = "no",
  headers = {},
): void {
  json(response, code, { error: { code, message, errors: [{ reason, message }] } }, headers);
}
