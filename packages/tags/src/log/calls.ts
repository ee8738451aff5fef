import {
  abortedError,
  type CallOptions,
  type Clock,
  closeUnawaited,
  isStoreError,
  linkedAbort,
  orAborted,
  sleep,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import type { TagLimits } from "./limits.ts";

/** What a request is given: ends it at its own time limit too. */
export interface Request {
  readonly operation: string;
  readonly subject: string;
  readonly signal: AbortSignal | undefined;
}

/** Sends requests to a bucket that has no layers: it bounds their time and is their retry owner. */
export interface Calls {
  /** The time from which on nothing is tried again, of an operation that begins now. */
  deadline(): number;
  /** Asks once; TIMEOUT where no answer comes in time, whatever becomes of the request. */
  once<T>(
    request: Request,
    ask: (options: CallOptions) => Promise<T>,
    timeoutMs?: number,
  ): Promise<T>;
  /** Asks again what failed for a while, until the deadline; then the last error, as `exhausted`. */
  retried<T>(
    request: Request,
    deadlineMs: number,
    ask: (options: CallOptions) => Promise<T>,
    timeoutMs?: number,
  ): Promise<T>;
  /**
   * Walks through a list page by page: what fails for a while, or does not come in time, is listed
   * again after the last key that came. Each key has the operation's deadline anew.
   */
  walk<T>(
    request: Request,
    list: (options: CallOptions & { readonly startAfter?: string }) => AsyncIterable<T>,
    keyOf: (item: T) => string,
  ): AsyncIterable<T>;
  /**
   * Waits before attempt `count + 1`: a random part of a time that doubles, at least what the service
   * asked for. Resolves to false, at once, where the deadline would pass.
   */
  pause(
    request: Request,
    deadlineMs: number,
    count: number,
    retryAfterMs?: number,
  ): Promise<boolean>;
}

export function createCalls(
  { attemptMs, deadlineMs, pauseMs, pauseMsMax }: TagLimits,
  clock: Clock,
  random: () => number,
  source: string,
): Calls {
  async function once<T>(
    { operation, subject, signal }: Request,
    ask: (options: CallOptions) => Promise<T>,
    timeoutMs: number = attemptMs,
  ): Promise<T> {
    throwIfAborted(signal, operation, subject);
    const link = linkedAbort(signal);
    const cancel = clock.after(timeoutMs, () => {
      const message = `no answer within ${timeoutMs} ms`;
      link.abort(new StoreError({ code: "TIMEOUT", operation, subject, source, message }));
    });
    try {
      return await orAborted(ask({ signal: link.signal }), link.signal, operation, subject);
    } finally {
      cancel();
      link.release();
    }
  }

  async function pause(
    { operation, subject, signal }: Request,
    endMs: number,
    count: number,
    retryAfterMs = 0,
  ): Promise<boolean> {
    const jitterMs = random() * Math.min(pauseMsMax, pauseMs * 2 ** Math.min(count, 20));
    const waitMs = Math.max(jitterMs, retryAfterMs);
    if (clock.now() + waitMs > endMs) return false;
    await sleep(clock, waitMs, signal).catch((reason: unknown) => {
      throw signal === undefined ? reason : abortedError(operation, signal, subject);
    });
    return true;
  }

  async function* walk<T>(
    request: Request,
    list: (options: CallOptions & { readonly startAfter?: string }) => AsyncIterable<T>,
    keyOf: (item: T) => string,
  ): AsyncGenerator<T, void, void> {
    let last: string | undefined;
    let isOver = false;
    let failures = 0;
    let endMs = clock.now() + deadlineMs;
    while (!isOver) {
      // Its requests are ended with the walk, or when one of them takes too long.
      const link = linkedAbort(request.signal);
      const after = last === undefined ? {} : { startAfter: last };
      const items = list({ signal: link.signal, ...after })[Symbol.asyncIterator]();
      try {
        for (;;) {
          const step = await once(request, () => items.next());
          isOver = step.done === true;
          if (step.done === true) break;
          last = keyOf(step.value);
          failures = 0;
          yield step.value;
          endMs = clock.now() + deadlineMs;
        }
      } catch (error) {
        link.abort();
        if (!isStoreError(error) || error.persistence !== "transient") throw error;
        failures += 1;
        const goesOn = await pause(request, endMs, failures, error.retryAfterMs);
        if (!goesOn) throw exhausted(error, failures);
      } finally {
        link.abort();
        link.release();
        closeUnawaited(items);
      }
    }
  }

  return {
    deadline: () => clock.now() + deadlineMs,
    once,
    pause,
    walk,
    async retried(request, endMs, ask, timeoutMs) {
      for (let count = 1; ; count += 1) {
        try {
          return await once(request, ask, timeoutMs);
        } catch (error) {
          if (!isStoreError(error) || error.persistence !== "transient") throw error;
          const goesOn = await pause(request, endMs, count, error.retryAfterMs);
          if (!goesOn) throw exhausted(error, count);
        }
      }
    },
  };
}

function exhausted(error: StoreError, count: number): StoreError {
  const { code, operation, source, subject, retryAfterMs, serviceCode, detail } = error;
  return new StoreError({
    code,
    operation,
    source,
    subject,
    retryAfterMs,
    serviceCode,
    persistence: "exhausted",
    message: count === 1 ? detail : `${detail} (${count} attempts)`,
    cause: error,
  });
}
