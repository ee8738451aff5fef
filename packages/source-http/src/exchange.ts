import { Readable } from "node:stream";
import { abortedError, type Bytes, type Clock, isStoreError, StoreError } from "@bitstore/core";
import type { Dispatcher } from "undici";
import { type BodyQueue, bodyQueue } from "./body-queue.ts";
import { idleWatch } from "./idle-watch.ts";
import { transportError } from "./transport-error.ts";

export interface Timing {
  readonly connectTimeoutMs: number;
  /** Milliseconds from the request to the headers of the answer. */
  readonly headersTimeoutMs: number;
  /** Milliseconds without a byte, of the request's body or of the answer's. */
  readonly bodyIdleMs: number;
}

/** A URL in the parts that a request needs, so that none is parsed for each request. */
export interface RequestUrl {
  readonly origin: string;
  /** IPv6 addresses are in brackets. */
  readonly hostname: string;
  /** Path and query. */
  readonly path: string;
}

export interface ExchangeRequest {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly url: RequestUrl;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Bytes | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For messages: the verb, the digest, the source. */
  readonly operation: string;
  readonly subject: string;
  readonly source: string;
}

/** An answer whose headers are here. Its body must be read, drained or destroyed. */
export interface Exchange {
  readonly status: number;
  /** Value of a header; of several lines the first. Names are lower case. */
  header(name: string): string | undefined;
  readonly body: Pick<BodyQueue, "chunks" | "whole">;
  /** Closes the connection unless the answer has ended. */
  destroy(): void;
  /**
   * Reads a short body to its end, so that the connection is used again, and closes the connection
   * of a longer one. Resolves when either is done; never rejects.
   */
  drain(): Promise<void>;
}

const drainBytesMax = 64 * 1024;

/**
 * Sends one request and resolves when the answer's headers are here. The signal ends the answer's
 * body too. Rejects with ABORTED at once when it aborts, TIMEOUT, UNAVAILABLE; nothing is repeated.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: ExchangeRequest,
  clock: Clock,
  timing: Timing,
): Promise<Exchange> {
  const { operation, subject, source, signal } = request;
  const { promise, resolve, reject } = Promise.withResolvers<Exchange>();
  let controller: Dispatcher.DispatchController | undefined;
  let stage: "sending" | "body" | "over" = "sending";
  const queue = bodyQueue(() => {
    if (stage !== "body") return;
    watch.touch();
    controller?.resume();
  });

  const watch = idleWatch(clock, () => {
    const message =
      stage === "body"
        ? `no byte came for ${timing.bodyIdleMs} ms (bodyIdleMs)`
        : `no answer came in time (headersTimeoutMs ${timing.headersTimeoutMs})`;
    fail(new StoreError({ code: "TIMEOUT", operation, subject, source, message }));
  });
  function onAbort(): void {
    if (signal !== undefined) fail(abortedError(operation, signal, subject));
  }
  function over(): void {
    stage = "over";
    watch.suspend();
    signal?.removeEventListener("abort", onAbort);
  }
  function fail(error: Error): void {
    if (stage === "over") return;
    over();
    reject(error);
    queue.end(error, { drop: isStoreError(error, "ABORTED") });
    controller?.abort(error);
  }

  function destroy(): void {
    if (stage === "over") return;
    fail(new StoreError({ code: "ABORTED", operation, subject, source, message: "disposed" }));
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      if (stage === "over") started.abort(new Error("given up before it was sent"));
      else watch.touch(timing.headersTimeoutMs);
    },
    onBodySent() {
      if (stage !== "over") watch.touch();
    },
    onResponseStart(_, status, headers) {
      // Interim answers (103 Early Hints) announce the real one.
      if (stage === "over" || status < 200) return;
      stage = "body";
      watch.touch(timing.bodyIdleMs);
      resolve(answer(status, headers));
    },
    onResponseData(from, chunk) {
      if (stage === "over") return;
      if (queue.push(chunk)) {
        watch.touch();
        return;
      }
      // While the reader is slow the connection is not idle, it is waiting for us.
      watch.suspend();
      from.pause();
    },
    onResponseEnd() {
      over();
      queue.end();
    },
    onResponseError: (_, error) => fail(transportError(error, request)),
  };

  function answer(status: number, headers: Dispatcher.ResponseData["headers"]): Exchange {
    return {
      status,
      header: (name) => {
        const value = headers[name];
        return Array.isArray(value) ? value[0] : value;
      },
      body: queue,
      destroy,
      drain: () => drained(queue).then(destroy),
    };
  }

  if (signal?.aborted) {
    onAbort();
    return promise;
  }
  signal?.addEventListener("abort", onAbort, { once: true });
  watch.touch(timing.connectTimeoutMs + timing.headersTimeoutMs);
  try {
    dispatcher.dispatch(dispatchOptions(request), handler);
  } catch (error) {
    fail(transportError(error, request));
  }
  return promise;
}

function dispatchOptions(request: ExchangeRequest): Dispatcher.DispatchOptions {
  const { method, url, headers, body } = request;
  const isBytes = body === undefined || body instanceof Uint8Array;
  return {
    method,
    origin: url.origin,
    path: url.path,
    headers: { ...headers },
    body: isBytes ? (body ?? null) : Readable.from(body, { objectMode: false }),
    // The watch of the exchange does it, on the clock that was injected.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

/** Reads a body until it ends, fails, or turns out to be long. */
async function drained(queue: BodyQueue): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of queue.chunks()) {
      bytes += chunk.byteLength;
      if (bytes > drainBytesMax) return;
    }
  } catch {
    // What the body of a failure failed of is nobody's concern.
  }
}
