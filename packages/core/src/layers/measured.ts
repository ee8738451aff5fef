import { type Clock, systemClock } from "../clock.ts";
import { isStoreError } from "../errors.ts";
import type { Content } from "../content.ts";
import type { Digest } from "../digest.ts";
import type { BlobStore, OpenOptions } from "../source.ts";
import { heldBytes, vouchFor } from "../store/held-bytes.ts";
import { latencies } from "./latencies.ts";
import { mapContent } from "./map-content.ts";
import { requestEndOf } from "./request-end.ts";
import { slidingCounts } from "./sliding-counts.ts";

/** What a store was asked lately, and what came of it. */
export interface RecentRequests {
  /** Under way now; a read counts until it was consumed or disposed. */
  readonly inFlight: number;
  /** Ended within the window. */
  readonly requests: number;
  /** Of those, the ones that failed: not answered, or with a body that broke off. */
  readonly failures: number;
  /** Of those, the ones that the service refused for now (RATE_LIMITED, or with a Retry-After). */
  readonly refusals: number;
  /**
   * Milliseconds within which 95 of 100 of the last answers to `stat` and `open` came; undefined
   * while there were fewer than 30.
   */
  readonly p95Ms: number | undefined;
}

export interface MeasuredOptions {
  /** Milliseconds that are looked back; 10 seconds. */
  readonly windowMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** A store whose recent requests can be looked at. */
export interface MeasuredStore extends BlobStore {
  recent(): RecentRequests;
}

const windowMsDefault = 10_000;

/**
 * Measures what a store is asked. Put it directly around what sends the requests, inside `limited`
 * and `withRetry`: then each attempt counts, and the wait for a place does not.
 */
export function measured(inner: BlobStore, options: MeasuredOptions = {}): MeasuredStore {
  const clock = options.clock ?? systemClock;
  const windowMs = options.windowMs ?? windowMsDefault;
  const counts = slidingCounts<"requests" | "failures" | "refusals">(windowMs, clock);
  const took = latencies();
  let inFlight = 0;

  function noteError(error: unknown): void {
    const end = requestEndOf(error);
    if (end === "unknown") return;
    counts.add("requests");
    if (end === "failed") counts.add("failures");
    else if (isRefusal(error)) counts.add("refusals");
  }
  /** Waits for the answer to one request; whoever asked says when it is over. */
  async function answer<T>(ask: () => Promise<T>, isTimed: boolean): Promise<T> {
    const startedMs = clock.now();
    try {
      const value = await ask();
      counts.add("requests");
      if (isTimed) took.add(clock.now() - startedMs);
      return value;
    } catch (error) {
      noteError(error);
      throw error;
    }
  }
  async function whole<T>(ask: () => Promise<T>, isTimed: boolean): Promise<T> {
    inFlight += 1;
    try {
      return await answer(ask, isTimed);
    } finally {
      inFlight -= 1;
    }
  }
  /** A body that breaks off counts once more, as a failure: its answer was one already. */
  const noteBreak = (error: unknown): void => {
    if (requestEndOf(error) === "failed") noteError(error);
  };

  async function open(digest: Digest, call?: OpenOptions): Promise<Content | undefined> {
    inFlight += 1;
    try {
      const content = await answer(async () => await inner.open(digest, call), true);
      if (content !== undefined) {
        const leave = (): void => {
          inFlight -= 1;
        };
        return mapContent(content, {
          body: async function* (body) {
            try {
              yield* body;
            } catch (error) {
              noteBreak(error);
              throw error;
            }
          },
          bytes: async (read) => {
            try {
              return await read();
            } catch (error) {
              noteBreak(error);
              throw error;
            }
          },
          done: leave,
        });
      }
    } catch (error) {
      inFlight -= 1;
      throw error;
    }
    inFlight -= 1;
    return undefined;
  }

  const held = heldBytes(inner);
  /** What a cache in memory holds is an answer too, in no time; what it has not is asked for above. */
  function getHeld(digest: Digest): Uint8Array | undefined {
    const bytes = held?.get(digest);
    if (bytes !== undefined) {
      counts.add("requests");
      took.add(0);
    }
    return bytes;
  }

  return {
    ...inner,
    recent: () => ({
      inFlight,
      requests: counts.sum("requests"),
      failures: counts.sum("failures"),
      refusals: counts.sum("refusals"),
      p95Ms: took.quantile(0.95),
    }),
    stat: (digest, call) => whole(async () => await inner.stat(digest, call), true),
    put: (body, call) => whole(async () => await inner.put(body, call), false),
    delete: (digest, call) => whole(async () => await inner.delete(digest, call), false),
    open: vouchFor(open, held && { get: getHeld }),
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

function isRefusal(error: unknown): boolean {
  if (!isStoreError(error)) return false;
  return error.code === "RATE_LIMITED" || error.retryAfterMs !== undefined;
}
