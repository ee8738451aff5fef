import { abortedError, exhausted, isStoreError, sleep } from "@bitstore/core";
import type { Api } from "./api.ts";

export interface RepeatOptions {
  readonly operation: string;
  readonly signal?: AbortSignal | undefined;
  /** Tells whether what has failed may be done again; always, if left out. */
  readonly mayRepeat?: (() => boolean) | undefined;
}

/**
 * Repeats what failed for a while, with full jitter and under one deadline, and rethrows the last
 * error as `exhausted`, so that nothing above repeats it. With `attemptsMax` 1 it is rethrown as it
 * is: then a layer above owns the retries.
 */
export async function repeat<T>(
  { clock, random, limits }: Api,
  options: RepeatOptions,
  attempt: () => Promise<T>,
): Promise<T> {
  const { operation, signal, mayRepeat = () => true } = options;
  if (limits.attemptsMax === 1) return await attempt();
  const startedMs = clock.now();
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isStoreError(error) || error.persistence !== "transient" || !mayRepeat()) throw error;
      const jitterMs = random() * Math.min(limits.pauseMsMax, limits.pauseMs * 2 ** (count - 1));
      const pauseMs = Math.max(jitterMs, error.retryAfterMs ?? 0);
      const isLate = clock.now() + pauseMs - startedMs > limits.deadlineMs;
      if (count >= limits.attemptsMax || pauseMs > limits.pauseMsMax || isLate) {
        throw exhausted(error, count);
      }
      await sleep(clock, pauseMs, signal).catch(() => {
        throw signal === undefined ? error : abortedError(operation, signal);
      });
    }
  }
}

/** Waits before another attempt, a random part of a time that doubles. */
export async function pauseBefore(
  { clock, random, limits }: Api,
  operation: string,
  failures: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const most = Math.min(limits.pauseMsMax, limits.pauseMs * 2 ** Math.min(failures - 1, 20));
  await sleep(clock, random() * most, signal).catch((error: unknown) => {
    throw signal === undefined ? error : abortedError(operation, signal);
  });
}
