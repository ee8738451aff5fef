import { closedError } from "./index-guard.ts";

/** Knows what is going on, so that disposing can end it and wait for the end. */
export interface InFlight {
  /** Throws UNAVAILABLE once disposing has begun. */
  check(operation: string): void;
  /** Runs work under a signal of its own, which aborts with the caller's or with the cache. */
  run<T>(
    operation: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /**
   * Lets work go on by itself; resolves when it has ended. Its failure is nobody's: what it does is
   * tried again elsewhere.
   */
  background(work: (signal: AbortSignal) => Promise<unknown>): Promise<void>;
  /** Aborts everything, and resolves when it has ended. */
  drain(): Promise<void>;
}

export function inFlight(source: string): InFlight {
  const controllers = new Set<AbortController>();
  const running = new Set<Promise<unknown>>();
  let closing = false;

  async function run<T>(
    operation: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (closing) throw closedError(operation, source);
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(signal?.reason);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    controllers.add(controller);
    const promise = work(controller.signal);
    running.add(promise);
    try {
      return await promise;
    } finally {
      running.delete(promise);
      controllers.delete(controller);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  return {
    check(operation) {
      if (closing) throw closedError(operation, source);
    },
    run,
    async background(work) {
      await run("maintain", undefined, work).catch(() => undefined);
    },
    async drain() {
      closing = true;
      for (const controller of controllers) controller.abort(closedError("dispose", source));
      await Promise.allSettled(running);
    },
  };
}
