import type { Clock } from "@bitstore/core";

/** A clock that knows how many timers are set on it. */
export interface CountedClock extends Clock {
  readonly pending: number;
}

/** Counts the timers that are neither over nor cancelled: what is left at the end has leaked. */
export function countedClock(inner: Clock): CountedClock {
  const pending = new Set<object>();
  return {
    get pending() {
      return pending.size;
    },
    now: () => inner.now(),
    after(delayMs, callback) {
      const timer = {};
      pending.add(timer);
      const cancel = inner.after(delayMs, () => {
        pending.delete(timer);
        callback();
      });
      return () => {
        pending.delete(timer);
        cancel();
      };
    },
  };
}
