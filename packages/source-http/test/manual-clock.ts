import type { Clock } from "@bitstore/core";

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

export interface ManualClock extends Clock {
  /** Moves the time on, calling back what is due, in order. */
  advance(byMs: number): Promise<void>;
  /** Timers that wait. */
  readonly waiting: number;
}

/** A clock that stands still until it is told otherwise. */
export function manualClock(): ManualClock {
  let nowMs = 0;
  const timers = new Set<Timer>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer = { at: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    get waiting() {
      return timers.size;
    },
    async advance(byMs) {
      const until = nowMs + byMs;
      for (;;) {
        await settle();
        const [next] = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.at);
        next.callback();
      }
      nowMs = until;
      await settle();
    },
  };
}
