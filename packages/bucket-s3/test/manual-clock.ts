import { type Clock, systemClock } from "@bitstore/core";

/** A clock that a test moves. */
export interface ManualClock extends Clock {
  /** Moves the time on, and calls what is due. */
  advance(ms: number): void;
}

/** Makes a clock that stands still until it is moved. */
export function manualClock(): ManualClock {
  let nowMs = 0;
  const due = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const entry = { atMs: nowMs + delayMs, callback };
      due.add(entry);
      return () => due.delete(entry);
    },
    advance(ms) {
      nowMs += ms;
      for (const entry of due) {
        if (entry.atMs <= nowMs && due.delete(entry)) entry.callback();
      }
    },
  };
}

/** A clock whose waits are a thousandth of what they say, and are remembered. */
export interface HastyClock extends Clock {
  readonly delaysMs: readonly number[];
}

export function hastyClock(): HastyClock {
  const delaysMs: number[] = [];
  return {
    delaysMs,
    now: () => systemClock.now() * 1000,
    after(delayMs, callback) {
      delaysMs.push(delayMs);
      return systemClock.after(delayMs / 1000, callback);
    },
  };
}

/** Waits of the transport that a hasty clock must not make short. */
export const patient = { connectMs: 60_000_000, abortWaitMs: 60_000_000 };
