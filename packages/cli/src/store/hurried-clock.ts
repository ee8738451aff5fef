import { type Clock, systemClock } from "@bitstore/core";

/**
 * Makes a clock on which nothing is waited for once the signal is aborted: what waits then is called
 * back at once. So an interrupted command does not sit out the time that fills are given.
 */
export function hurriedClock(signal: AbortSignal, inner: Clock = systemClock): Clock {
  return {
    now: () => inner.now(),
    after(delayMs, callback) {
      if (signal.aborted) return inner.after(0, callback);
      const fire = (): void => {
        cancel();
        callback();
      };
      const cancelInner = inner.after(delayMs, fire);
      const cancel = (): void => {
        cancelInner();
        signal.removeEventListener("abort", fire);
      };
      signal.addEventListener("abort", fire, { once: true });
      return cancel;
    },
  };
}
