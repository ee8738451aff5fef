import type { TierStatus } from "../api/types.ts";

/** What the tiers said at one moment. */
export interface Sample {
  readonly atMs: number;
  readonly tiers: readonly TierStatus[];
}

/** Milliseconds between two questions. */
export const sampleEveryMs = 5000;
/** Samples that are kept: a quarter of an hour. */
export const samplesMax = 180;

export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  return [...samples, sample].slice(-samplesMax);
}

/** The part of lookups that a tier answered with the blob; undefined where it was not asked. */
export function hitRate({ hits, misses, failures }: TierStatus): number | undefined {
  const asked = hits + misses + failures;
  return asked === 0 ? undefined : hits / asked;
}

/** How a tier does, in a word. */
export type Health = "up" | "down" | "recovering" | "unknown";

/** What is held back is down; what has no breaker is down where most of what was asked failed. */
export function healthOf({ health, hits, misses, failures }: TierStatus): Health {
  if (health?.breaker?.state === "open") return "down";
  if (health?.breaker?.state === "half-open") return "recovering";
  const recent = health?.recent;
  if (recent !== undefined && recent.requests > 0) {
    return recent.failures * 2 >= recent.requests ? "down" : "up";
  }
  return hits + misses > 0 ? "up" : failures > 0 ? "down" : "unknown";
}
