import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import type { Endpoint } from "./endpoint.ts";
import type { Environment } from "./options.ts";

export interface HttpRequest {
  readonly method: string;
  /** From the root of the endpoint's host, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In memory, so that nothing can throw in the middle of sending it. */
  readonly body?: Uint8Array | undefined;
  /** Aborts the request, and the reading of its answer too. */
  readonly signal?: AbortSignal | undefined;
}

/** Sends requests to one host. */
export interface Transport extends AsyncDisposable {
  /**
   * Resolves to the answer, whatever its status, with its body unread: the caller consumes it or
   * destroys it, or the connection stays taken. Rejects with what the socket says.
   */
  send(request: HttpRequest): Promise<IncomingMessage>;
}

/** An idle connection is closed before proxies and services would do so, to lose no request. */
const idleMs = 30_000;

/**
 * Makes a transport over `node:http` with connections that are kept. It follows no redirects, so
 * credentials never go elsewhere. Proxies are taken from the environment (`HTTPS_PROXY`,
 * `HTTP_PROXY`, `NO_PROXY`; Node 22.21 and 24.5 and later), further authorities from
 * `NODE_EXTRA_CA_CERTS`, by Node itself.
 */
export function httpTransport(
  endpoint: Endpoint,
  connectionsMax: number,
  environment: Environment,
): Transport {
  const client = endpoint.protocol === "https:" ? https : http;
  const agent = new client.Agent({
    keepAlive: true,
    maxSockets: connectionsMax,
    timeout: idleMs,
    proxyEnv: { ...environment },
  });
  const target = {
    agent,
    hostname: endpoint.hostname,
    ...(endpoint.port === undefined ? {} : { port: endpoint.port }),
  };

  function send({ method, path, headers, body, signal }: HttpRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      let answer: IncomingMessage | undefined;
      const request = client.request({ ...target, method, path, headers });
      request.on("error", reject);
      request.on("response", (message) => {
        answer = message;
        resolve(message);
      });
      if (signal !== undefined) {
        const onAbort = (): void => {
          (answer ?? request).destroy(new Error("aborted"));
        };
        request.on("close", () => signal.removeEventListener("abort", onAbort));
        if (signal.aborted) onAbort();
        else signal.addEventListener("abort", onAbort, { once: true });
      }
      if (body === undefined) request.end();
      else request.end(body);
    });
  }

  return {
    send,
    async [Symbol.asyncDispose]() {
      agent.destroy();
    },
  };
}
