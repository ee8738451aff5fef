import type { Clock } from "../clock.ts";
import type { RequestEnd } from "./request-end.ts";
import { slidingCounts } from "./sliding-counts.ts";

export interface BreakerLimits {
  /** Answers and failures within the window that are needed for a verdict. */
  readonly requestsMin: number;
  /** Share of failures from which on it opens. */
  readonly failuresMin: number;
  /** Milliseconds that are looked back. */
  readonly windowMs: number;
  /** Milliseconds until the first canary; it doubles with each that fails. */
  readonly openMs: number;
  readonly openMsMax: number;
}

export const breakerDefault: BreakerLimits = {
  requestsMin: 20,
  failuresMin: 0.5,
  windowMs: 10_000,
  openMs: 1000,
  openMsMax: 30_000,
};

/** Where a breaker stands, for reports. */
export interface BreakerStatus {
  /** `closed` lets all pass, `open` none, `half-open` one at a time. */
  readonly state: "closed" | "open" | "half-open";
  /** Answers and failures within the window. */
  readonly requests: number;
  readonly failures: number;
  /** Milliseconds until the next canary; 0 unless it is open. */
  readonly retryAfterMs: number;
}

export interface Breaker {
  status(): BreakerStatus;
  /**
   * Lets a request pass, and is told how it ended; later calls of `end` change nothing. Undefined
   * where it may not be sent. One that is a canary keeps others from passing for `canaryMs` at most:
   * its end counts later too. Left out, it is one that ends in any case.
   */
  enter(canaryMs?: number): ((end: RequestEnd) => void) | undefined;
}

/**
 * Watches what comes of the requests to one service, and holds them back while most fail: it spares
 * those who wait, and a service that is trying to come back. After a while one request passes, as a
 * canary: its answer closes the breaker, its failure doubles the wait. A canary of which nothing is
 * known, since its caller left, lets the next one pass. `onChange` is told when it opens, lets a
 * canary pass, and closes; it must not throw.
 *
 * Source: M. Nygard, Release It!, chapter on stability patterns.
 */
export function createBreaker(
  limits: BreakerLimits,
  clock: Clock,
  random: () => number,
  onChange: (status: BreakerStatus) => void = () => undefined,
): Breaker {
  const counts = slidingCounts<"requests" | "failures">(limits.windowMs, clock);
  let openUntilMs: number | undefined;
  let openings = 0;
  let hasCanary = false;
  let canaryUntilMs = 0;
  /** Grows when it opens or closes: what began before says nothing about what is now. */
  let era = 0;

  function open(): void {
    const waitMs = Math.min(limits.openMsMax, limits.openMs * 2 ** openings);
    // Many processes that opened at once should not send their canaries at once.
    openUntilMs = clock.now() + waitMs * (0.75 + random() / 2);
    openings += 1;
    era += 1;
    hasCanary = false;
    onChange(status());
  }
  function close(): void {
    openUntilMs = undefined;
    openings = 0;
    era += 1;
    hasCanary = false;
    counts.clear();
    onChange(status());
  }
  function end(how: RequestEnd, began: { readonly era: number; readonly isCanary: boolean }): void {
    if (began.era !== era) return;
    if (began.isCanary) {
      hasCanary = false;
      if (how === "answered") close();
      else if (how === "failed") open();
      return;
    }
    if (how === "unknown") return;
    counts.add("requests");
    // An answer is never the reason to stop asking, however many failures came before it.
    if (how === "answered") return;
    counts.add("failures");
    const requests = counts.sum("requests");
    const isBad = counts.sum("failures") >= requests * limits.failuresMin;
    if (requests >= limits.requestsMin && isBad) open();
  }

  function status(): BreakerStatus {
    const leftMs = openUntilMs === undefined ? 0 : Math.max(0, openUntilMs - clock.now());
    const state = openUntilMs === undefined ? "closed" : leftMs > 0 ? "open" : "half-open";
    const [requests, failures] = [counts.sum("requests"), counts.sum("failures")];
    return { state, requests, failures, retryAfterMs: Math.ceil(leftMs) };
  }

  return {
    status,
    enter(canaryMs = Number.POSITIVE_INFINITY) {
      const isOpen = openUntilMs !== undefined;
      const isTaken = hasCanary && clock.now() < canaryUntilMs;
      if (openUntilMs !== undefined && (clock.now() < openUntilMs || isTaken)) return undefined;
      hasCanary = isOpen;
      canaryUntilMs = clock.now() + canaryMs;
      if (isOpen) onChange(status());
      const began = { era, isCanary: isOpen };
      let isOver = false;
      return (how) => {
        if (isOver) return;
        isOver = true;
        end(how, began);
      };
    },
  };
}
