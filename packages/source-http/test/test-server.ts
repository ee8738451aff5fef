import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  type Algorithm,
  type BlobStore,
  type Descriptor,
  type Digest,
  digestOf,
} from "@bitstore/core";

/** One request as a server saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface TestServer extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly seen: Seen[];
  /** Requests that are being answered now. */
  readonly openRequests: number;
  /** Connections that were ever made. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly openConnections: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** Starts a real server on a free port of a loopback address. */
export async function startServer(handler: Handler, host = "127.0.0.1"): Promise<TestServer> {
  return await listenOn(createServer(), handler, host);
}

/** The same for a server that was made elsewhere, such as one with TLS. */
export async function listenOn(
  server: Server,
  handler: Handler,
  host = "127.0.0.1",
  scheme = "http",
): Promise<TestServer> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  let openRequests = 0;
  let connections = 0;
  server.on("request", (request, response) => {
    seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
    openRequests += 1;
    response.on("close", () => (openRequests -= 1));
    Promise.resolve(handler(request, response)).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${scheme}://${host}:${port}`,
    port,
    seen,
    get openRequests() {
      return openRequests;
    },
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      if (server.listening) await once(server, "close");
    },
  };
}

export interface TestBlob {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** Makes a blob of bytes that differ by their place, so that a shifted cut does not match. */
export async function testBlob(size: number, algorithm: Algorithm = "sha256"): Promise<TestBlob> {
  const bytes = new Uint8Array(size);
  let state = size + 1;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return { bytes, digest: await digestOf(bytes, algorithm) };
}

/** Waits until something holds; polls, because it is another process's or the kernel's doing. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Collects what a source lists. */
export async function listed(source: BlobStore): Promise<Descriptor[]> {
  const all: Descriptor[] = [];
  for await (const each of source.list()) all.push(each);
  return all;
}
