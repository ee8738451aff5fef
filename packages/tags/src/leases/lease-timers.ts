import type { Clock } from "@bitstore/core";

/** The longest time that timers can be set to. */
const timerMsMax = 2 ** 31 - 1;

/** Calls back once a time is over that begins anew with each renewal. */
export function expiring(
  ttlMs: number,
  clock: Clock,
  over: () => void,
): { restart(fromMs: number): void; stop(): void } {
  let stopped = false;
  let endMs = Number.NEGATIVE_INFINITY;
  let cancel = (): void => undefined;
  const schedule = (): void => {
    cancel();
    if (stopped) return;
    const leftMs = endMs - clock.now();
    cancel = clock.after(Math.max(0, Math.min(leftMs, timerMsMax)), () => {
      if (clock.now() < endMs) return schedule();
      stopped = true;
      over();
    });
  };
  return {
    restart(fromMs) {
      // A renewal that is answered late does not take back what a later one gave.
      endMs = Math.max(endMs, fromMs + ttlMs);
      schedule();
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Renews on a clock until it is stopped or lost; what fails for a while is tried again sooner. */
export function renewing(
  everyMs: number | undefined,
  clock: Clock,
  renew: () => Promise<void>,
  lost: AbortSignal,
): { start(): void; stop(): void } {
  let stopped = false;
  let cancel = (): void => undefined;
  const schedule = (delayMs: number): void => {
    if (stopped || lost.aborted) return;
    cancel = clock.after(delayMs, () => {
      renew().then(
        () => schedule(everyMs ?? delayMs),
        () => schedule((everyMs ?? delayMs) / 4),
      );
    });
  };
  return {
    start: () => (everyMs === undefined ? undefined : schedule(everyMs)),
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}
