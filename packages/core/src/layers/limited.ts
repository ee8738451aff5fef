import pLimit from "p-limit";
import { abortedError, isStoreError } from "../errors.ts";
import type { Content } from "../content.ts";
import type { BlobStore } from "../source.ts";
import { mapContent } from "./map-content.ts";

export interface LimitedOptions {
  /** Requests of one store at a time; a read counts until it was consumed or disposed. */
  readonly concurrencyMax: number;
  /**
   * Asks less at once while the store says that it is too much (RATE_LIMITED, UNAVAILABLE), and more
   * again as it answers. Put it inside `withRetry` then, or it does not see what the store says.
   */
  readonly adaptive?: boolean | undefined;
}

/** Where a bound stands, for reports. */
export interface LimitStatus {
  /** Requests under way; a read counts until it was consumed or disposed. */
  readonly active: number;
  /** Requests that wait for a place. */
  readonly waiting: number;
  /** Requests at a time that it is asked now at most. */
  readonly concurrency: number;
  readonly concurrencyMax: number;
}

/** A store whose bound can be looked at. */
export interface LimitedStore extends BlobStore {
  /** Requests at a time that it is asked now at most. */
  concurrency(): number;
  limit(): LimitStatus;
}

/** What is left of the bound after one refusal. */
const decrease = 0.5;

/**
 * Bounds how many requests a store is asked at once; the others wait their turn, first come first
 * served, and leave the queue when their signal aborts. Never nest two of one limiter: a caller who
 * holds a place while it waits for another can wait for ever.
 *
 * An adaptive bound is halved by a refusal, once for all that were sent before it, and grows by one
 * for as many answers as it lets be under way (additive increase, multiplicative decrease; D.-M. Chiu,
 * R. Jain, 1989).
 */
export function limited(
  inner: BlobStore,
  { concurrencyMax, adaptive = false }: LimitedOptions,
): LimitedStore {
  const limit = pLimit(concurrencyMax);
  let bound = concurrencyMax;
  /** Grows with each decrease: what was sent before one says nothing new. */
  let era = 0;

  function settle(): void {
    const whole = Math.max(1, Math.floor(bound));
    if (limit.concurrency !== whole) limit.concurrency = whole;
  }
  /** Sees how a request went that was sent in an era. */
  async function watched<T>(work: () => Promise<T>): Promise<T> {
    if (!adaptive) return await work();
    const sent = era;
    // Where there is room, more of it would change nothing.
    const isFull = limit.activeCount >= limit.concurrency;
    try {
      const result = await work();
      if (sent === era && isFull) bound = Math.min(concurrencyMax, bound + 1 / bound);
      return result;
    } catch (error) {
      const isRefusal = isStoreError(error, "RATE_LIMITED") || isStoreError(error, "UNAVAILABLE");
      if (isRefusal && sent === era) {
        era += 1;
        bound = Math.max(1, bound * decrease);
      }
      throw error;
    } finally {
      settle();
    }
  }

  /** Waits for a place; resolves to the function that gives it back. */
  function enter(operation: string, signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (signal !== undefined) reject(abortedError(operation, signal));
      };
      if (signal?.aborted) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort, { once: true });
      void limit(async () => {
        signal?.removeEventListener("abort", onAbort);
        if (signal?.aborted) return;
        await new Promise<void>((leave) => resolve(leave));
      });
    });
  }

  async function hold<T>(
    operation: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const leave = await enter(operation, signal);
    try {
      return await watched(work);
    } finally {
      leave();
    }
  }

  return {
    ...inner,
    concurrency: () => limit.concurrency,
    limit: () => ({
      active: limit.activeCount,
      waiting: limit.pendingCount,
      concurrency: limit.concurrency,
      concurrencyMax,
    }),
    stat: (digest, options) =>
      hold("stat", options?.signal, async () => await inner.stat(digest, options)),
    async open(digest, options): Promise<Content | undefined> {
      const leave = await enter("open", options?.signal);
      try {
        const content = await watched(async () => await inner.open(digest, options));
        if (content !== undefined) return mapContent(content, { done: leave });
      } catch (error) {
        leave();
        throw error;
      }
      leave();
      return undefined;
    },
    put: (body, options) =>
      hold("put", options?.signal, async () => await inner.put(body, options)),
    delete: (digest, options) =>
      hold("delete", options?.signal, async () => await inner.delete(digest, options)),
    async *list(options) {
      // A list is read at its reader's pace, so it holds no place between pages.
      yield* inner.list(options);
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}
