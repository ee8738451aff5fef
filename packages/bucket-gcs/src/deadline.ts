import { type Clock, linkedAbort, StoreError } from "@bitstore/core";

/** A signal that aborts in time, and the way to call that off. */
export interface Deadline {
  readonly signal: AbortSignal;
  cancel(): void;
}

/**
 * Makes a signal that aborts when the time is over, with TIMEOUT as its reason, or when the
 * caller's own signal does.
 */
export function deadline(
  clock: Clock,
  timeMs: number,
  operation: string,
  source: string,
  signal?: AbortSignal,
): Deadline {
  const linked = linkedAbort(signal);
  const cancelTimer = clock.after(timeMs, () => {
    const message = `no answer within ${timeMs} ms`;
    linked.abort(new StoreError({ code: "TIMEOUT", operation, source, message }));
  });
  return {
    signal: linked.signal,
    cancel: () => {
      cancelTimer();
      linked.release();
    },
  };
}
