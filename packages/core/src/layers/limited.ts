import pLimit from "p-limit";
import { type Clock, systemClock } from "../clock.ts";
import { abortedError, isStoreError, StoreError } from "../errors.ts";
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
  readonly clock?: Clock | undefined;
  /** Milliseconds without any place given back after which who waits is told so; a minute. */
  readonly stuckMs?: number | undefined;
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
const stuckMsDefault = 60_000;

/**
 * Bounds how many requests a store is asked at once; the others wait their turn, first come first
 * served, and leave the queue when their signal aborts. Where all places are held by reads that nobody
 * reads on, none is given back: who has waited for `stuckMs` of that is UNAVAILABLE. Never nest two of one limiter: a caller who
 * holds a place while it waits for another can wait for ever.
 *
 * An adaptive bound is halved by a refusal, once for all that were sent before it, and grows by one
 * for as many answers as it lets be under way (additive increase, multiplicative decrease; D.-M. Chiu,
 * R. Jain, 1989).
 */
export function limited(inner: BlobStore, settings: LimitedOptions): LimitedStore {
  const { concurrencyMax, adaptive = false } = settings;
  const { clock = systemClock, stuckMs = stuckMsDefault } = settings;
  const limit = pLimit(concurrencyMax);
  /** When a place was last given back, or was free. */
  let movedMs = 0;
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
      let isGone = false;
      let stopWatching = (): void => undefined;
      const giveUp = (error: StoreError): void => {
        isGone = true;
        stopWatching();
        signal?.removeEventListener("abort", onAbort);
        reject(error);
      };
      const onAbort = (): void => {
        if (signal !== undefined) giveUp(abortedError(operation, signal));
      };
      if (signal?.aborted) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort, { once: true });
      if (limit.activeCount < limit.concurrency) movedMs = clock.now();
      else stopWatching = watchQueue(() => giveUp(stuck(operation, inner.name, stuckMs)));
      void limit(async () => {
        stopWatching();
        signal?.removeEventListener("abort", onAbort);
        if (isGone) return;
        await new Promise<void>((leave) => resolve(leave));
        movedMs = clock.now();
      });
    });
  }

  /** Calls back once no place was given back for too long; returns what ends it. */
  function watchQueue(onStuck: () => void): () => void {
    let cancel = (): void => undefined;
    const look = (): void => {
      const leftMs = movedMs + stuckMs - clock.now();
      if (leftMs <= 0) onStuck();
      else cancel = clock.after(leftMs, look);
    };
    cancel = clock.after(stuckMs, look);
    return () => cancel();
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

function stuck(operation: string, source: string, stuckMs: number): StoreError {
  const message =
    `all its places are held by reads that nobody reads on, for ${stuckMs / 1000} s; ` +
    "read or dispose what was opened, or raise concurrencyMax";
  return new StoreError({ code: "UNAVAILABLE", operation, source, message });
}
