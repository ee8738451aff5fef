import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "@bitstore/core";
import type { HttpHandlerOptions, HttpRequest, HttpResponse } from "@smithy/types";
import type { Agents } from "./agents.ts";
import { boundedBody } from "./bounded-body.ts";

/** What the SDK asks of a handler of requests. */
export interface NodeTransport {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: HttpRequest,
    options?: HttpHandlerOptions,
  ): Promise<{ readonly response: HttpResponse }>;
  updateHttpClientConfig(key: string, value: unknown): void;
  httpHandlerConfigs(): Record<string, unknown>;
  destroy(): void;
}

export interface TransportLimits {
  readonly connectMs: number;
  readonly idleMs: number;
  readonly clock: Clock;
}

/** Milliseconds to wait for the service's leave to send a body; many services never give it. */
const continueMs = 1000;

/**
 * Carries the SDK's requests over `node:http`. It differs from the SDK's own handler where a store
 * needs it: a reader that is slow is no idle connection, an abort reaches a body that is being read
 * with its reason, an answer that comes before the request was sent whole does not leave half a
 * request on a connection of the pool, and the body of an error is bounded.
 */
export function nodeTransport(agents: Agents, limits: TransportLimits): NodeTransport {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    handle: (request, options = {}) =>
      new Promise((resolve, reject) => {
        const { abortSignal: signal } = options;
        if (signal?.aborted) {
          reject(namedError("AbortError", "the request was aborted"));
          return;
        }
        const sent = open(request, agents, options.requestTimeout ?? limits.idleMs);
        let answer: IncomingMessage | undefined;
        // An answer that is being read gets the reason itself; a request would swallow it.
        const fail = (error: Error): void => {
          (answer ?? sent).destroy(error);
          reject(error);
        };
        sent.on("error", reject);
        sent.once("response", (response) => {
          answer = response;
          watchAnswer(sent, response);
          resolve({ response: responseOf(response) });
        });
        watchIdle(sent, () => answer, fail);
        watchConnect(sent, limits, fail);
        watchAbort(sent, signal, fail);
        sendBody(sent, request, limits.clock);
      }),
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => agents.destroy(),
  };
}

function open(request: HttpRequest, agents: Agents, idleMs: number): ClientRequest {
  const secure = request.protocol === "https:";
  const query = queryOf(request.query);
  return (secure ? httpsRequest : httpRequest)({
    // The SDK keeps the brackets of an IPv6 address, which are no part of a host's name.
    host: request.hostname.replace(/^\[|\]$/g, ""),
    port: request.port,
    method: request.method,
    path: query === "" ? request.path : `${request.path}?${query}`,
    headers: request.headers,
    agent: secure ? agents.https : agents.http,
    timeout: idleMs,
  });
}

/** The same escapes as in the signature, or the service would refuse it. */
function queryOf(query: HttpRequest["query"]): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) => {
    if (value === null) return [escape(name)];
    return (Array.isArray(value) ? value : [value]).map((one) => `${escape(name)}=${escape(one)}`);
  });
  return pairs.join("&");
}

function escape(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function responseOf(response: IncomingMessage): HttpResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = typeof value === "string" ? value : value.join(", ");
  }
  const statusCode = response.statusCode ?? 0;
  return { statusCode, headers, body: statusCode < 300 ? response : boundedBody(response) };
}

function watchAnswer(sent: ClientRequest, response: IncomingMessage): void {
  // Without a listener an error that comes before anybody reads would be lost.
  response.on("error", () => undefined);
  // A connection with half a request on it can't be used again.
  response.once("end", () => {
    if (!sent.writableFinished) sent.destroy();
  });
}

function watchAbort(
  sent: ClientRequest,
  signal: HttpHandlerOptions["abortSignal"],
  fail: (error: Error) => void,
): void {
  // The SDK's type allows for a signal of its own make, of before there was this one.
  if (!(signal instanceof AbortSignal)) return;
  const onAbort = (): void => fail(namedError("AbortError", "the request was aborted"));
  signal.addEventListener("abort", onAbort);
  sent.once("close", () => signal.removeEventListener("abort", onAbort));
}

function watchIdle(
  sent: ClientRequest,
  answer: () => IncomingMessage | undefined,
  fail: (error: Error) => void,
): void {
  sent.on("timeout", () => {
    const waiting = answer()?.readableLength ?? 0;
    // Bytes are waiting to be read: it is the reader that is slow. Look again later.
    if (waiting > 0) sent.socket?.setTimeout(sent.socket.timeout ?? 0);
    else fail(namedError("TimeoutError", "no byte moved on the connection"));
  });
}

function watchConnect(
  sent: ClientRequest,
  { clock, connectMs }: TransportLimits,
  fail: (error: Error) => void,
): void {
  sent.once("socket", (socket) => {
    if (!socket.connecting) return;
    const late = (): void =>
      fail(namedError("TimeoutError", "the connection was not made in time"));
    const done = clock.after(connectMs, late);
    socket.once("encrypted" in socket ? "secureConnect" : "connect", done);
    socket.once("close", done);
  });
}

function sendBody(sent: ClientRequest, { headers, body }: HttpRequest, clock: Clock): void {
  if (body === undefined || body === null || body === "") {
    sent.end();
    return;
  }
  if ((headers["Expect"] ?? headers["expect"]) !== "100-continue") {
    sent.end(body);
    return;
  }
  // The service may refuse by the headers alone, and then the body is not sent.
  let decided = false;
  const decide = (send: boolean): void => {
    if (decided) return;
    decided = true;
    cancel();
    if (send) sent.end(body);
  };
  const cancel = clock.after(continueMs, () => decide(true));
  sent.once("continue", () => decide(true));
  sent.once("response", () => decide(false));
  sent.once("close", () => decide(false));
  sent.flushHeaders();
}

function namedError(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
