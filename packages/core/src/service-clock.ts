import { type Clock, systemClock } from "./clock.ts";

/** The clock of a service, as far as its answers tell. */
export interface ServiceClock {
  /** Takes the `Date` header of an answer; one that is no date is left out. */
  observe(date: string | null | undefined): void;
  now(): Date | undefined;
}

/**
 * Keeps what a service says of the time. The header counts whole seconds and an answer takes its way,
 * so of two answers the one that makes it later is right: the clock never goes back by that, unless
 * the service's own was set back by more than `setBackMs`.
 */
export function serviceClock(clock: Clock = systemClock): ServiceClock {
  let offsetMs: number | undefined;
  return {
    observe(date) {
      const time = typeof date === "string" ? Date.parse(date) : Number.NaN;
      if (Number.isNaN(time)) return;
      const seenMs = time - clock.now();
      const isSetBack = offsetMs !== undefined && seenMs < offsetMs - setBackMs;
      if (offsetMs === undefined || seenMs > offsetMs || isSetBack) offsetMs = seenMs;
    },
    now: () => (offsetMs === undefined ? undefined : new Date(Math.floor(clock.now() + offsetMs))),
  };
}

/** An answer that is older than this was not delayed on its way: the service's clock was set. */
const setBackMs = 60_000;
