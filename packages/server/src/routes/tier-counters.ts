import type { Attempt } from "@bitstore/core";

/** What one tier answered to this server since it was started. */
export interface TierCount {
  readonly hits: number;
  readonly misses: number;
  /** Not answered, refused, or with wrong bytes. */
  readonly failures: number;
  /** Of the last answers; undefined before the first. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
}

export interface TierCounters {
  /** Is told what a tier said; given to each call of the store. */
  readonly note: (attempt: Attempt) => void;
  of(tier: string): TierCount;
}

/** Answers of each tier that quantiles are taken of. */
const samplesMax = 512;

interface Counting {
  hits: number;
  misses: number;
  failures: number;
  answers: number;
  readonly elapsedMs: Float64Array;
}

export function tierCounters(): TierCounters {
  const tiers = new Map<string, Counting>();
  return {
    note(attempt) {
      const { tier, outcome, elapsedMs, error } = attempt;
      // A range that lies outside is the caller's mistake: the tier has answered.
      if (outcome === "skipped" || error?.code === "RANGE_NOT_SATISFIABLE") return;
      let count = tiers.get(tier);
      if (count === undefined) {
        const samples = new Float64Array(samplesMax);
        count = { hits: 0, misses: 0, failures: 0, answers: 0, elapsedMs: samples };
        tiers.set(tier, count);
      }
      if (outcome === "hit") count.hits += 1;
      else if (outcome === "miss") count.misses += 1;
      else count.failures += 1;
      // A miss that was remembered took no time, and says nothing about the tier.
      if (attempt.note !== undefined || (outcome !== "hit" && outcome !== "miss")) return;
      count.elapsedMs[count.answers % samplesMax] = elapsedMs;
      count.answers += 1;
    },
    of(tier) {
      const count = tiers.get(tier);
      if (count === undefined) {
        return { hits: 0, misses: 0, failures: 0, p50Ms: undefined, p95Ms: undefined };
      }
      const { hits, misses, failures, answers } = count;
      const sorted = count.elapsedMs.slice(0, Math.min(answers, samplesMax)).sort();
      const quantile = (q: number): number | undefined =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
      return { hits, misses, failures, p50Ms: quantile(0.5), p95Ms: quantile(0.95) };
    },
  };
}
