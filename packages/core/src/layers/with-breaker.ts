import { type Clock, systemClock } from "../clock.ts";
import { type Bytes, openBody } from "../bytes.ts";
import { publishBreaker } from "../diagnostics.ts";
import { isStoreError, StoreError } from "../errors.ts";
import type { BlobStore } from "../source.ts";
import {
  type Breaker,
  breakerDefault,
  type BreakerLimits,
  type BreakerStatus,
  createBreaker,
} from "./breaker.ts";
import { mapContent } from "./map-content.ts";
import { type RequestEnd, requestEndOf } from "./request-end.ts";

/** What the error of a request says that a breaker held back, as its `serviceCode`. */
export const breakerOpenCode = "BreakerOpen";

/**
 * Milliseconds that a put keeps the next canary waiting: its body has as much time as its caller
 * takes, and would hold back all others for as long.
 */
const canaryPutMsMax = 30_000;

export interface WithBreakerOptions extends Partial<BreakerLimits> {
  readonly clock?: Clock | undefined;
  /** A number from 0 up to 1. */
  readonly random?: (() => number) | undefined;
}

/** A store whose breaker can be looked at. */
export interface BreakerStore extends BlobStore {
  breaker(): BreakerStatus;
}

/**
 * Holds requests back from a store while most of them fail: they reject at once, with UNAVAILABLE and
 * the time until it is worth asking again, so that a composite goes on to its next tier. What counts
 * as a failure is what may pass by itself (UNAVAILABLE, TIMEOUT, a body that breaks off), unless the
 * service said when to come back: that is an answer. Put it around `withTimeout` and inside
 * `withRetry`.
 */
export function withBreaker(inner: BlobStore, options: WithBreakerOptions = {}): BreakerStore {
  const clock = options.clock ?? systemClock;
  const limits = { ...breakerDefault, ...options };
  const breaker = createBreaker(limits, clock, options.random ?? Math.random, (status) =>
    publishBreaker({ source: inner.name, ...status }),
  );

  function enter(
    operation: string,
    subject: string | undefined,
    canaryMs?: number,
  ): (end: RequestEnd) => void {
    const entered = breaker.enter(canaryMs);
    if (entered === undefined) throw heldBack(operation, subject, inner.name, breaker);
    return entered;
  }
  async function counted<T>(
    operation: string,
    subject: string | undefined,
    ask: () => Promise<T>,
  ): Promise<T> {
    const end = enter(operation, subject);
    try {
      const answer = await ask();
      end("answered");
      return answer;
    } catch (error) {
      end(requestEndOf(error));
      throw error;
    }
  }

  return {
    ...inner,
    breaker: () => breaker.status(),
    stat: (digest, call) => counted("stat", digest, async () => await inner.stat(digest, call)),
    delete: (digest, call) =>
      counted("delete", digest, async () => await inner.delete(digest, call)),
    async put(body, call = {}) {
      // An error of the body is the caller's own, and says nothing of the store.
      let isOwn = false;
      const watched =
        body instanceof Uint8Array ? body : () => told(openBody(body), () => (isOwn = true));
      const end = enter("put", call.digest, canaryPutMsMax);
      try {
        const result = await inner.put(watched, call);
        end("answered");
        return result;
      } catch (error) {
        end(isOwn ? "unknown" : requestEndOf(error));
        throw error;
      }
    },
    async open(digest, call) {
      const content = await counted("open", digest, async () => await inner.open(digest, call));
      if (content === undefined) return undefined;
      // Its answer counted when it came, so that a long blob holds up no canary; a body that breaks
      // off counts once more.
      const failed = (error: unknown): void => {
        if (requestEndOf(error) === "failed") breaker.enter()?.("failed");
      };
      return mapContent(content, {
        body: (body) => told(body, failed),
        bytes: async (read) => {
          try {
            return await read();
          } catch (error) {
            failed(error);
            throw error;
          }
        },
      });
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** Tells whether a request was held back by a breaker. */
export function isHeldBack(error: unknown): boolean {
  return isStoreError(error, "UNAVAILABLE") && error.serviceCode === breakerOpenCode;
}

async function* told(
  body: Bytes,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* body;
  } catch (error) {
    onError(error);
    throw error;
  }
}

function heldBack(
  operation: string,
  subject: string | undefined,
  source: string,
  breaker: Breaker,
): StoreError {
  const { requests, failures, retryAfterMs } = breaker.status();
  const counts = requests === 0 ? "" : `: ${failures} of ${requests} requests failed`;
  return new StoreError({
    code: "UNAVAILABLE",
    operation,
    subject,
    source,
    // Nobody is to try it again at once; `retryAfterMs` says when it is worth it.
    persistence: "exhausted",
    retryAfterMs: Math.max(1, retryAfterMs),
    serviceCode: breakerOpenCode,
    message: `its breaker is open${counts}`,
  });
}
