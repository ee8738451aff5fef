import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { ErrorCode } from "@bitstore/core";
import { type BitstoreClient, bitstoreClient, type ClientLimits } from "../src/index.ts";

/** One request as the server saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** A real server that answers as a test wants it to, and the client of it. */
export interface RudeServer extends AsyncDisposable {
  readonly url: string;
  readonly client: BitstoreClient;
  readonly seen: readonly Seen[];
  /** Connections that were ever made. */
  readonly connections: () => number;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => unknown;

/** Limits under which a test need not wait. */
export const hasty: Partial<ClientLimits> = { pauseMs: 1, pauseMsMax: 2000 };

/** Starts a server whose requests are numbered from 1. */
export async function rudeServer(
  answer: Answer,
  limits: Partial<ClientLimits> = {},
): Promise<RudeServer> {
  const seen: Seen[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers });
    Promise.resolve(answer(request, response, seen.length)).catch((error: Error) =>
      response.destroy(error),
    );
  });
  server.on("connection", () => (connections += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const client = bitstoreClient({
    url,
    token: "a-secret-token",
    limits: { ...hasty, ...limits },
    environment: {},
  });
  return {
    url,
    client,
    seen,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Reads a request's body to its end. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Refuses as a bitstore does. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  code: ErrorCode,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/problem+json", ...headers });
  response.end(JSON.stringify({ code, status, title: "no", detail: `because ${code}`, ...more }));
}
