import type { Clock } from "@bitstore/core";

export interface RateLimits {
  /** Requests that a client may make in a second, over time. */
  readonly requestsPerSecondMax: number;
  /** Requests that it may make at once after it was quiet. */
  readonly burstMax: number;
  /** Clients that are remembered; the one that was quiet for longest is forgotten first. */
  readonly clientsMax: number;
}

/** Counts requests of clients. */
export interface RateLimiter {
  /** Takes one request: 0 where it may go on, else the milliseconds until one may. */
  take(client: string): number;
  /** Clients that are remembered. */
  readonly size: number;
}

interface TokenBucket {
  /** Thousandths of requests that it may make: whole numbers stay exact, where fractions drift. */
  credit: number;
  atMs: number;
}

/**
 * Makes a token bucket for each client. Its table is bounded, so that addresses without end fill no
 * memory; a client that was pushed out of it begins with a full bucket, which is what it would have
 * soon anyway if it was the one that was quiet for longest.
 */
export function rateLimiter(limits: RateLimits, clock: Clock): RateLimiter {
  const { requestsPerSecondMax, burstMax, clientsMax } = limits;
  const buckets = new Map<string, TokenBucket>();
  return {
    get size() {
      return buckets.size;
    },
    take(client) {
      const nowMs = clock.now();
      const bucket = buckets.get(client) ?? { credit: burstMax * 1000, atMs: nowMs };
      // Set anew, so that the map stays in the order of use.
      buckets.delete(client);
      buckets.set(client, bucket);
      if (buckets.size > clientsMax) {
        for (const oldest of buckets.keys()) {
          buckets.delete(oldest);
          break;
        }
      }
      const earned = Math.max(0, nowMs - bucket.atMs) * requestsPerSecondMax;
      bucket.credit = Math.min(burstMax * 1000, bucket.credit + earned);
      bucket.atMs = nowMs;
      if (bucket.credit < 1000) return Math.ceil((1000 - bucket.credit) / requestsPerSecondMax);
      bucket.credit -= 1000;
      return 0;
    },
  };
}
