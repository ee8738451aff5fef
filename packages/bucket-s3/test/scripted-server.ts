import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server, Socket } from "node:net";

/** What a server got, with its body read to the end. */
export interface Got {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Answers one request; `at` counts the requests from 0. */
export type Script = (got: Got, answer: ServerResponse, at: number) => void;

/** A real HTTP server that does what a script says, and remembers what it was asked. */
export interface ScriptedServer extends AsyncDisposable {
  readonly endpoint: string;
  readonly requests: readonly Got[];
  /** Connections that are open now, and those that ever were. */
  readonly connections: { readonly open: number; readonly made: number };
}

export async function scriptedServer(script: Script): Promise<ScriptedServer> {
  const requests: Got[] = [];
  const server = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    answer.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const got = { method, url, headers, body: Buffer.concat(chunks) };
      requests.push(got);
      script(got, answer, requests.length - 1);
    });
  });
  return { ...(await listening(server)), requests };
}

/** Makes a server of one's own, of HTTP or below it, listen; what it is asked is not remembered. */
export async function listening(server: Server): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  let made = 0;
  server.on("connection", (socket) => {
    sockets.add(socket);
    made += 1;
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests: [],
    connections: {
      get open() {
        return sockets.size;
      },
      get made() {
        return made;
      },
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Answers with an error as S3 writes it. */
export function answerError(
  answer: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): void {
  const body = errorXml(code);
  answer.writeHead(status, {
    "content-type": "application/xml",
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  answer.end(body);
}

export function errorXml(code: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<Error><Code>${code}</Code><Message>It says ${code}.</Message></Error>`
  );
}

/** Answers with an object of these bytes. */
export function answerObject(
  answer: ServerResponse,
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): void {
  answer.writeHead(200, { "content-length": bytes.byteLength, etag: '"v1"', ...headers });
  answer.end(bytes);
}
