import type { Clock } from "@bitstore/core";

/** Calls back when nothing has happened for a time. */
export interface IdleWatch {
  /** Watches from now on, for another time if it is given. */
  touch(idleMs?: number): void;
  /** Watches no more until the next touch. */
  suspend(): void;
}

/**
 * Makes a watch on a clock. A touch costs a reading of the clock, not a timer: the one timer looks,
 * when it fires, how long ago the last touch was.
 */
export function idleWatch(clock: Clock, onIdle: () => void): IdleWatch {
  let idleMsNow = 0;
  let touchedAt: number | undefined;
  let cancel: (() => void) | undefined;

  const arm = (delayMs: number): void => {
    cancel = clock.after(Math.max(1, Math.ceil(delayMs)), () => {
      cancel = undefined;
      if (touchedAt === undefined) return;
      const leftMs = touchedAt + idleMsNow - clock.now();
      if (leftMs > 0) arm(leftMs);
      else onIdle();
    });
  };
  return {
    touch(idleMs) {
      touchedAt = clock.now();
      if (idleMs !== undefined && idleMs !== idleMsNow) {
        idleMsNow = idleMs;
        cancel?.();
        cancel = undefined;
      }
      if (cancel === undefined) arm(idleMsNow);
    },
    suspend() {
      touchedAt = undefined;
      cancel?.();
      cancel = undefined;
    },
  };
}
