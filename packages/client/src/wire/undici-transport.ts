import { Readable } from "node:stream";
import type { Bytes } from "@bitstore/core";
import { Agent, type Dispatcher, EnvHttpProxyAgent, request as send } from "undici";
import type { Asked, Transport } from "./transport.ts";
import { undiciError } from "./undici-error.ts";

/** Certificates beside those that the runtime trusts and NODE_EXTRA_CA_CERTS names. */
export interface TlsOptions {
  /** Trusted instead of the runtime's own, in PEM. */
  readonly ca?: string | undefined;
  /** The client's own certificate and key, in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface UndiciOptions {
  readonly connectMs: number;
  /** Connections to the server at a time; a request more waits. */
  readonly connectionsMax: number;
  readonly tls: TlsOptions;
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Sends requests over a pool of connections that are kept open, HTTP/1.1, through the proxies that the
 * environment names.
 */
export function undiciTransport(options: UndiciOptions): Transport {
  const dispatcher = openDispatcher(options);
  return {
    async send(request) {
      const { method, url, headers, body, signal } = request;
      const isBytes = body === undefined || body instanceof Uint8Array;
      const upload = isBytes ? (body ?? null) : Readable.from(body, { objectMode: false });
      try {
        const answer = await send(url, {
          dispatcher,
          method,
          headers: { ...headers, "accept-encoding": "identity" },
          body: upload,
          signal,
          // Else undici closes the connection after each HEAD, lest a server send a body.
          reset: false,
          // Whoever asks watches, on the clock that was injected.
          headersTimeout: 0,
          bodyTimeout: 0,
        });
        return {
          status: answer.statusCode,
          header: (name) => {
            const value = answer.headers[name];
            return Array.isArray(value) ? value[0] : value;
          },
          body: chunksOf(answer.body, request),
        };
      } catch (error) {
        throw undiciError(error, request);
      }
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

async function* chunksOf(body: Readable, asked: Asked): Bytes {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    throw undiciError(error, asked);
  }
}

function openDispatcher(options: UndiciOptions): Dispatcher {
  const { connectMs, connectionsMax, tls, environment } = options;
  const { ca, cert, key } = tls;
  const connect = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const common = {
    allowH2: false,
    connectTimeout: connectMs,
    connections: connectionsMax,
    connect: { ...connect, timeout: connectMs },
  };
  const httpProxy = environment["http_proxy"] ?? environment["HTTP_PROXY"] ?? "";
  const httpsProxy = environment["https_proxy"] ?? environment["HTTPS_PROXY"] ?? "";
  if (httpProxy === "" && httpsProxy === "") return new Agent(common);
  const noProxy = environment["no_proxy"] ?? environment["NO_PROXY"] ?? "";
  return new EnvHttpProxyAgent({
    ...common,
    requestTls: connect,
    httpProxy,
    httpsProxy,
    noProxy,
  });
}
