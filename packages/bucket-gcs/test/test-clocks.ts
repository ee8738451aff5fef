import type { Clock } from "@bitstore/core";

/** A clock that a test turns. */
export interface ManualClock extends Clock {
  advance(timeMs: number): void;
}

export function manualClock(): ManualClock {
  let now = 0;
  const waiting = new Set<{ readonly at: number; readonly callback: () => void }>();
  return {
    now: () => now,
    after: (delayMs, callback) => {
      const entry = { at: now + delayMs, callback };
      waiting.add(entry);
      return () => waiting.delete(entry);
    },
    advance: (timeMs) => {
      now += timeMs;
      for (const entry of [...waiting].sort((a, b) => a.at - b.at)) {
        if (entry.at > now) continue;
        waiting.delete(entry);
        entry.callback();
      }
    },
  };
}

/** A clock on which the waits between tries are over at once and are noted; limits never end. */
export interface ImpatientClock extends Clock {
  /** Milliseconds of each wait that was cut short. */
  readonly waits: readonly number[];
}

/** Milliseconds that stand for limits: of deleting a session, and of one part. */
const limits: ReadonlySet<number> = new Set([5_000, 120_000]);

export function impatientClock(): ImpatientClock {
  const waits: number[] = [];
  return {
    waits,
    now: () => performance.now(),
    after: (delayMs, callback) => {
      if (limits.has(delayMs)) return () => undefined;
      waits.push(delayMs);
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    },
  };
}
