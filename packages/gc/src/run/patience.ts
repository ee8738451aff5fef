import {
  abortedError,
  type Clock,
  isStoreError,
  linkedAbort,
  orAborted,
  sleep,
  StoreError,
} from "@bitstore/core";

/** How a run bears what fails for a while. It is the one owner of retries of a tier's bucket. */
export interface Patience {
  readonly signal: AbortSignal | undefined;
  /**
   * Tries what may be done twice; rethrows the last error. Each try may take a minute; where a limit
   * is given, all of them together may take that long.
   */
  retried<T>(attempt: (signal: AbortSignal) => Promise<T>, limitMs?: number): Promise<T>;
  /** Tries once, and rejects with TIMEOUT when it takes too long. */
  once<T>(attempt: (signal: AbortSignal) => Promise<T>, limitMs?: number): Promise<T>;
  /** Waits before another try, or rethrows an error that is for good or came too often. */
  pauseAfter(error: unknown, failed: number): Promise<void>;
}

/** Milliseconds of a request without a body. */
const requestMs = 60_000;
const attemptsMax = 4;
const pauseMs = 200;
const pauseMsMax = 30_000;

export function patienceOf(
  clock: Clock,
  random: () => number,
  signal: AbortSignal | undefined,
): Patience {
  async function pauseAfter(error: unknown, failed: number): Promise<void> {
    const passes = isStoreError(error) && error.persistence === "transient";
    if (!passes || failed >= attemptsMax) throw error;
    const jitterMs = random() * pauseMs * 2 ** failed;
    const waitMs = Math.min(pauseMsMax, Math.max(jitterMs, error.retryAfterMs ?? 0));
    try {
      await sleep(clock, waitMs, signal);
    } catch {
      throw signal === undefined ? error : abortedError("gc", signal);
    }
  }

  async function once<T>(
    attempt: (signal: AbortSignal) => Promise<T>,
    limitMs = requestMs,
  ): Promise<T> {
    const link = linkedAbort(signal);
    const cancel = clock.after(limitMs, () => link.abort(timedOut(limitMs)));
    try {
      return await orAborted(attempt(link.signal), link.signal, "gc");
    } finally {
      cancel();
      link.release();
    }
  }

  return {
    signal,
    once,
    pauseAfter,
    async retried(attempt, limitMs) {
      const beganMs = clock.now();
      const leftMs = (): number | undefined =>
        limitMs === undefined ? undefined : limitMs - (clock.now() - beganMs);
      for (let failed = 1; ; failed += 1) {
        try {
          return await once(attempt, leftMs());
        } catch (error) {
          if ((leftMs() ?? 1) <= 0) throw error;
          await pauseAfter(error, failed);
        }
      }
    },
  };
}

function timedOut(limitMs: number): StoreError {
  return new StoreError({
    code: "TIMEOUT",
    operation: "gc",
    message: `no answer within ${Math.ceil(limitMs / 1000)} s`,
  });
}
