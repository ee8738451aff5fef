import type { CacheIndex, KeyedRow } from "./cache-index.ts";
import type { HitNotes } from "./hit-notes.ts";
import type { DiskCacheLimits } from "./limits.ts";
import { type SieveNeed, sieveSweep } from "./sieve.ts";

export interface EvictOptions {
  readonly need: SieveNeed;
  /** Visited entries that were passed for the same need in transactions before this one. */
  readonly passedBefore: number;
  readonly limits: DiskCacheLimits;
  /** Hits that are not in the index yet protect their entries all the same. */
  readonly notes: Pick<HitNotes, "isNoted" | "dropNote">;
  /** Takes rows out of the index. */
  readonly takeOut: (rows: readonly KeyedRow[]) => void;
}

export interface Eviction {
  /** Entries that were looked at; none means that there are none. */
  readonly steps: number;
  /** Those of them that stay, as they had been visited. */
  readonly passed: number;
}

/**
 * Moves the hand over the index's queue, in a transaction, and takes out what it stops at. Since
 * it looks at no more than `sweepStepsMax` entries, it may take out none though there are some: it
 * is called again then, and past `lapStepsMax` it takes whatever comes.
 */
export function evict(index: CacheIndex, options: EvictOptions): Eviction {
  const { passedBefore, limits, notes, takeOut } = options;
  let { bytes, entries } = options.need;
  let { hand } = index.totals();
  let steps = 0;
  let victims = 0;
  // A sweep ends at the newest entry. The third sees every entry with its bit cleared.
  for (let sweeps = 0; sweeps < 3; sweeps += 1) {
    if (steps >= limits.sweepStepsMax || victims >= limits.rowsMax) break;
    if (bytes <= 0 && entries <= 0) break;
    const noted: number[] = [];
    const sweep = sieveSweep({
      after: (position, limit) =>
        index.queueAfter(position, limit).map((row) => {
          if (row.visited || !notes.isNoted(row.seq)) return row;
          noted.push(row.seq);
          return { ...row, visited: true };
        }),
      hand,
      need: { bytes, entries },
      victimsMax: limits.rowsMax - victims,
      stepsMax: limits.sweepStepsMax - steps,
      force: passedBefore + steps - victims > limits.lapStepsMax,
    });
    takeOut(sweep.victims);
    index.clearVisited(sweep.cleared.from, sweep.cleared.to);
    for (const seq of noted) if (seq <= sweep.cleared.to) notes.dropNote(seq);
    for (const victim of sweep.victims) bytes -= victim.bytes;
    entries -= sweep.victims.length;
    victims += sweep.victims.length;
    steps += sweep.steps;
    hand = sweep.hand;
  }
  index.setHand(hand);
  return { steps, passed: steps - victims };
}
