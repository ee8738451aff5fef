import type { Clock } from "@bitstore/core";

/** A clock whose time passes when it is told to. */
export function manualClock(): Clock & {
  advance(ms: number): Promise<void>;
  readonly waits: number[];
} {
  let nowMs = 0;
  const waits: number[] = [];
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  return {
    waits,
    now: () => nowMs,
    after(delayMs, callback) {
      waits.push(delayMs);
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      await settle();
      nowMs += ms;
      for (const timer of timers) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.callback();
      }
      await settle();
    },
  };
}

/** Lets everything happen that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
