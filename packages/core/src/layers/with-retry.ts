import { type Clock, sleep, systemClock } from "../clock.ts";
import { type Body, openBody } from "../bytes.ts";
import { publishRetry } from "../diagnostics.ts";
import { abortedError, isStoreError } from "../errors.ts";
import type { BlobStore } from "../source.ts";
import { exhausted } from "./exhausted.ts";
import { slidingCounts } from "./sliding-counts.ts";

export interface RetryOptions {
  /** Attempts in all, the first included. */
  readonly attemptsMax: number;
  /** Milliseconds of the first pause at most; it doubles, and a random part of it is waited. */
  readonly baseMs: number;
  /** Milliseconds of one pause at most; also the longest Retry-After that is obeyed. */
  readonly pauseMsMax: number;
  /** Milliseconds from the start after which no further attempt begins. */
  readonly deadlineMs: number;
  /** Retries within `budgetMs` that are always made, however few the requests are. */
  readonly retriesMin: number;
  /** Share of the requests within `budgetMs` that may be retries beyond that. */
  readonly retriesShareMax: number;
  readonly budgetMs: number;
  readonly clock?: Clock | undefined;
  /** A number from 0 up to 1. */
  readonly random?: (() => number) | undefined;
}

export const retryDefault: RetryOptions = {
  attemptsMax: 4,
  baseMs: 100,
  pauseMsMax: 5000,
  deadlineMs: 30_000,
  retriesMin: 10,
  retriesShareMax: 0.1,
  budgetMs: 10_000,
};

/** What is left of the retries that a store may be sent, for reports. */
export interface RetryBudget {
  /** Questions within the last `budgetMs`, and the retries that they took. */
  readonly requests: number;
  readonly retries: number;
  /** Retries that may still be made now. */
  readonly left: number;
}

/** A store whose budget of retries can be looked at. */
export interface RetryStore extends BlobStore {
  retryBudget(): RetryBudget;
}

/**
 * Repeats what failed for a while, with full jitter, under one deadline, and rethrows the last error
 * as `exhausted`, so that nothing above repeats it again. A body that threw, an abort and permanent
 * errors are not repeated. A stream that breaks off is not either: the composite reads on at its
 * offset. There is one owner of retries; never nest this layer, and switch off the driver's own.
 *
 * Retries have a budget, so that a service that is down is not asked several times as much as one that
 * is up: what is beyond it fails at its first failure.
 */
export function withRetry(inner: BlobStore, options: Partial<RetryOptions> = {}): RetryStore {
  const limits = { ...retryDefault, ...options };
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const budget = slidingCounts<"requests" | "retries">(limits.budgetMs, clock);

  function status(): RetryBudget {
    const [requests, retries] = [budget.sum("requests"), budget.sum("retries")];
    const most = Math.max(limits.retriesMin, requests * limits.retriesShareMax);
    return { requests, retries, left: Math.max(0, Math.ceil(most - retries)) };
  }

  async function repeat<T>(
    operation: string,
    signal: AbortSignal | undefined,
    attempt: () => Promise<T>,
    mayRepeat: () => boolean = () => true,
  ): Promise<T> {
    const startedMs = clock.now();
    budget.add("requests");
    for (let count = 1; ; count += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (!isStoreError(error) || error.persistence !== "transient" || !mayRepeat()) throw error;
        const jitterMs = random() * Math.min(limits.pauseMsMax, limits.baseMs * 2 ** (count - 1));
        const pauseMs = Math.max(jitterMs, error.retryAfterMs ?? 0);
        const lastMs = clock.now() + pauseMs - startedMs;
        const mayWait = pauseMs <= limits.pauseMsMax && lastMs <= limits.deadlineMs;
        const mayGoOn = count < limits.attemptsMax && mayWait;
        const isPaid = mayGoOn && status().left > 0;
        const outcome = isPaid ? "retried" : mayGoOn ? "over-budget" : "gave-up";
        publishRetry({ source: inner.name, operation, outcome, count, pauseMs, error });
        if (!isPaid) throw exhausted(error, count);
        budget.add("retries");
        try {
          await sleep(clock, pauseMs, signal);
        } catch {
          throw signal === undefined ? error : abortedError(operation, signal);
        }
      }
    }
  }

  return {
    ...inner,
    retryBudget: status,
    stat: (digest, call) =>
      repeat("stat", call?.signal, async () => await inner.stat(digest, call)),
    open: (digest, call) =>
      repeat("open", call?.signal, async () => await inner.open(digest, call)),
    delete: (digest, call) =>
      repeat("delete", call?.signal, async () => await inner.delete(digest, call)),
    put(body, call) {
      const watched = watchBody(body);
      const attempt = async (): ReturnType<BlobStore["put"]> => await inner.put(watched.body, call);
      return repeat("put", call?.signal, attempt, () => !watched.threw());
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

function watchBody(body: Body): { readonly body: Body; threw(): boolean } {
  if (body instanceof Uint8Array) return { body, threw: () => false };
  let thrown = false;
  return {
    threw: () => thrown,
    body: async function* () {
      try {
        yield* openBody(body);
      } catch (error) {
        thrown = true;
        throw error;
      }
    },
  };
}
