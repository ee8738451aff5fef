import { abortedError, type Clock, sleep, StoreError } from "@bitstore/core";
import pLimit from "p-limit";

/** How hard a source may be asked. */
export interface RequestLimits {
  /** Requests that are open at once; a read is open until it is consumed or disposed. */
  readonly concurrencyMax: number;
  /** Requests that are started in a second; undefined for no such limit. */
  readonly requestsPerSecondMax: number | undefined;
  /** Milliseconds for which one `Retry-After` may hold the source at most. */
  readonly retryAfterMsMax: number;
}

/** Holds the requests of one source to its limits. */
export interface SourceLimits {
  /** Resolves to the release of a slot, once one is free; rejects with ABORTED. */
  slot(operation: string, signal: AbortSignal | undefined, subject: string): Promise<() => void>;
  /** Resolves when the next request may start; rejects with ABORTED. */
  turn(operation: string, signal: AbortSignal | undefined, subject: string): Promise<void>;
  /** Starts no request for a time, whoever asks. */
  pause(delayMs: number): void;
}

/**
 * Makes the limits of one source. The rate is a token bucket that holds a single token, so requests
 * are spaced evenly: APIs count in windows, and a burst at the seam of two would be refused.
 *
 * @throws CONFIG_INVALID for limits that are none.
 */
export function sourceLimits(clock: Clock, limits: RequestLimits): SourceLimits {
  const { concurrencyMax, requestsPerSecondMax, retryAfterMsMax } = limits;
  if (!Number.isInteger(concurrencyMax) || concurrencyMax < 1) {
    throw refusal("concurrencyMax", concurrencyMax, "a whole number from 1 up");
  }
  if (requestsPerSecondMax !== undefined && !(requestsPerSecondMax > 0)) {
    throw refusal("requestsPerSecondMax", requestsPerSecondMax, "a positive number");
  }
  const slots = pLimit(concurrencyMax);
  const intervalMs = requestsPerSecondMax === undefined ? 0 : 1000 / requestsPerSecondMax;
  let nextTurnAt = Number.NEGATIVE_INFINITY;
  let pausedUntil = Number.NEGATIVE_INFINITY;

  function slot(
    operation: string,
    signal: AbortSignal | undefined,
    subject: string,
  ): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (signal !== undefined) reject(abortedError(operation, signal, subject));
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      void slots(() => {
        signal?.removeEventListener("abort", onAbort);
        // A waiter that left keeps its place in the queue, and gives it up here.
        if (signal?.aborted) return undefined;
        const { promise, resolve: release } = Promise.withResolvers<void>();
        resolve(release);
        return promise;
      });
    });
  }

  async function turn(
    operation: string,
    signal: AbortSignal | undefined,
    subject: string,
  ): Promise<void> {
    const wait = async (delayMs: number): Promise<void> => {
      try {
        await sleep(clock, delayMs, signal);
      } catch (error) {
        throw signal === undefined ? error : abortedError(operation, signal, subject);
      }
    };
    for (;;) {
      while (pausedUntil > clock.now()) await wait(Math.ceil(pausedUntil - clock.now()));
      if (intervalMs === 0) return;
      const now = clock.now();
      const at = Math.max(now, nextTurnAt);
      nextTurnAt = at + intervalMs;
      if (at > now) {
        try {
          await wait(Math.ceil(at - now));
        } catch (error) {
          nextTurnAt -= intervalMs;
          throw error;
        }
      }
      // The source may have been paused meanwhile: then this turn is gone, like the others'.
      if (pausedUntil <= clock.now()) return;
    }
  }

  return {
    slot,
    turn,
    pause(delayMs) {
      const until = clock.now() + Math.min(delayMs, retryAfterMsMax);
      pausedUntil = Math.max(pausedUntil, until);
    },
  };
}

function refusal(name: string, value: number, wanted: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "parse",
    subject: name,
    message: `${value} is no such limit; give ${wanted}`,
  });
}
