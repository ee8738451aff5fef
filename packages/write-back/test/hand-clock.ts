import type { Clock } from "@bitstore/core";

/** A clock that a test moves by hand. */
export interface HandClock extends Clock {
  /** Moves time on, running each timer at its time, and lets what follows of it happen. */
  advance(byMs: number): Promise<void>;
  /** Timers that are set. */
  readonly timers: number;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Lets all that needs no timer happen. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

export function handClock(): HandClock {
  let nowMs = 0;
  const timers = new Set<Timer>();
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + Math.max(0, delayMs), callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(byMs) {
      const untilMs = nowMs + byMs;
      for (;;) {
        await settle();
        const [next] = [...timers].sort((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > untilMs) break;
        nowMs = Math.max(nowMs, next.atMs);
        timers.delete(next);
        next.callback();
      }
      nowMs = untilMs;
      await settle();
    },
    get timers() {
      return timers.size;
    },
  };
}
