import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import { type Clock, sleep, StoreError } from "@bitstore/core";
import { type ConnectionBounds, limitConnections } from "../limits/connection-limit.ts";
import { limitNodeServer, type NodeLimits, nodeServerOptions } from "../limits/node-limits.ts";

/** Where a server listens. */
export interface ListenOptions {
  /** A name or address; 127.0.0.1 if left out. */
  readonly host?: string | undefined;
  /** 0, or left out, takes a free one. */
  readonly port?: number | undefined;
  /** A certificate chain and its key, as PEM; without them it speaks plain HTTP. */
  readonly tls?: TlsPair | undefined;
}

/** A certificate chain, the server's own first, and the key of that one. */
export interface TlsPair {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** What errors call the two; the keys of the config if left out. */
  readonly files?: { readonly cert: string; readonly key: string } | undefined;
}

/** A socket that listens. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Takes no more connections; resolves once those that are there have ended, or after `drainMs`. */
  drain(drainMs: number, clock: Clock): Promise<void>;
  /** Lets another bound hold from the next connection on. */
  limit(limits: Pick<NodeLimits, "connectionsMax">): void;
  /** Ends what is left. */
  end(): Promise<void>;
}

/**
 * Listens, and serves each request by a listener of node's own kind.
 *
 * Rejects with CONFIG_INVALID where it can't listen there, or by that certificate and key.
 */
export async function listen(
  options: ListenOptions,
  limits: NodeLimits,
  bounds: () => ConnectionBounds,
  serve: RequestListener,
): Promise<Listener> {
  const { tls, host = "127.0.0.1", port = 0 } = options;
  const nodeOptions = nodeServerOptions(limits);
  let isDraining = false;
  // A connection whose answer began before the end is kept alive by it, and would be waited for.
  const onAnswered = (): void => {
    if (isDraining) setImmediate(() => server.closeIdleConnections());
  };
  const serveOne: RequestListener = (incoming, outgoing) => {
    outgoing.on("close", onAnswered);
    serve(incoming, outgoing);
  };
  const server: Server =
    tls === undefined
      ? createServer(nodeOptions, serveOne)
      : createSecureServer(tls, nodeOptions, serveOne);
  limitNodeServer(server, limits);
  limitConnections(server, bounds);
  // Node would tell the client to go on before anybody looked at the request.
  server.on("checkContinue", serveOne);
  // Node answers these with nothing but a status; here they are refused like anything else.
  server.on("checkExpectation", serveOne);
  server.on("clientError", answerMalformed);
  const listening = once(server, "listening");
  server.listen({ port, host });
  await listening.catch((error: unknown) => {
    throw notListening(error, host, port);
  });
  const address = server.address() as AddressInfo;
  const closed = once(server, "close");
  closed.catch(() => undefined);
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return {
    host,
    port: address.port,
    url: `${tls === undefined ? "http" : "https"}://${shownHost}:${address.port}`,
    async drain(drainMs, clock) {
      isDraining = true;
      server.close();
      server.closeIdleConnections();
      const waiting = new AbortController();
      const late = sleep(clock, drainMs, waiting.signal).catch(() => undefined);
      await Promise.race([closed, late]);
      waiting.abort();
    },
    limit: (next) => limitNodeServer(server, next),
    async end() {
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Makes a server of a certificate and its key. @throws CONFIG_INVALID, with both named. */
function createSecureServer(tls: TlsPair, options: ServerOptions, serve: RequestListener): Server {
  const { cert, key, files } = tls;
  const named = files ?? { cert: "server.tls.cert", key: "server.tls.key" };
  checkPair(tls, named);
  try {
    return createTlsServer({ ...options, cert, key, ...tlsOptions(options) }, serve);
  } catch (cause) {
    const why =
      cause instanceof Error && "reason" in cause ? String(cause.reason) : "not known why";
    throw unusable(`${named.cert} and ${named.key} can't be used for TLS (${why})`, cause);
  }
}

/**
 * Looks at a certificate and its key before TLS does, which takes a key of another kind than the
 * certificate's, and an empty text, and fails every handshake then.
 */
function checkPair({ cert, key }: TlsPair, named: NonNullable<TlsPair["files"]>): void {
  const certificate = readPem(cert, (pem) => new X509Certificate(pem));
  if (certificate === undefined) {
    throw unusable(`${named.cert} holds no certificate as PEM, which goes with ${named.key}`);
  }
  const privateKey = readPem(key, createPrivateKey);
  if (privateKey === undefined) {
    throw unusable(
      key.includes("ENCRYPTED")
        ? `the key in ${named.key}, of ${named.cert}, is encrypted; write it without a passphrase, ` +
            "by openssl pkey"
        : `${named.key} holds no private key as PEM, which goes with ${named.cert}`,
    );
  }
  if (certificate.checkPrivateKey(privateKey)) return;
  throw unusable(
    `the key in ${named.key} is not that of the (first) certificate in ${named.cert}; name two that ` +
      "belong together",
  );
}

/** Reads a PEM, by what may take other formats as well; undefined for what is none. */
function readPem<T>(pem: string | Buffer, read: (pem: string | Buffer) => T): T | undefined {
  if (!pem.includes("-----BEGIN ")) return undefined;
  try {
    return read(pem);
  } catch {
    return undefined;
  }
}

function unusable(message: string, cause?: unknown): StoreError {
  const subject = "server.tls";
  return new StoreError({ code: "CONFIG_INVALID", operation: "listen", subject, message, cause });
}

/** A handshake is waited for no longer than headers are, rather than two minutes. */
function tlsOptions({ headersTimeout }: ServerOptions): TlsOptions {
  return { minVersion: "TLSv1.2", handshakeTimeout: headersTimeout };
}

/** Answers what is no HTTP; nothing is known of it, not even an id. */
function answerMalformed(error: Error & { readonly code?: string }, socket: Socket): void {
  // Before its handshake is done nothing can be said to a client, and what is kept for then is for ever.
  const isUnsecured = /^ERR_(?:TLS|SSL)_/.test(error.code ?? "");
  if (!socket.writable || error.code === "ECONNRESET" || isUnsecured) {
    socket.destroy();
    return;
  }
  const isLong = error.code === "HPE_HEADER_OVERFLOW";
  const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
  const status = isLong ? "431 Request Header Fields Too Large" : "400 Bad Request";
  const line = isLate ? "408 Request Timeout" : status;
  const problem = JSON.stringify({
    title: "The request is malformed",
    status: Number(line.slice(0, 3)),
    code: isLong ? "TOO_LARGE" : isLate ? "TIMEOUT" : "INVALID_ARGUMENT",
    detail: isLate ? "its headers did not come in time" : "it is no HTTP request that can be read",
    persistence: "permanent",
  });
  socket.end(
    `HTTP/1.1 ${line}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(problem)}\r\nconnection: close\r\n\r\n${problem}`,
  );
}

function notListening(cause: unknown, host: string, port: number): StoreError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why: Record<string, string> = {
    EADDRINUSE: "another process listens there; choose another --port",
    EACCES: "this user may not listen there; choose a port from 1024 on",
    EADDRNOTAVAIL: "this machine has no such address; choose another --host",
    ENOTFOUND: "there is no such host; choose another --host",
  };
  const message = why[code] ?? `it can't be listened on (${code || "unknown error"})`;
  const subject = `${host}:${port}`;
  return new StoreError({ code: "CONFIG_INVALID", operation: "listen", subject, message, cause });
}
