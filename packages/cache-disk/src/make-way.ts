import type { CacheIndex, IndexBudget, KeyedRow } from "./cache-index.ts";
import type { Departure, Departures } from "./departures.ts";
import { evict } from "./evict.ts";
import type { HitNotes } from "./hit-notes.ts";
import type { CacheSettings } from "./settings.ts";
import type { SieveNeed } from "./sieve.ts";

/** What a transaction has done to make room. Nothing at all: there is no more that could go. */
export interface Way {
  readonly out: readonly Departure[];
  /** Visited entries that were passed. */
  readonly passed: number;
}

export interface WayParts {
  readonly departures: Departures;
  readonly notes: HitNotes;
  readonly settings: CacheSettings;
}

/** Says what has to go before a want fits under a limit; zero or less where it does. */
export function missing(index: CacheIndex, limit: IndexBudget, want: SieveNeed): SieveNeed {
  const { bytes, entries } = index.totals();
  const counted = limit.entriesMax < Number.MAX_SAFE_INTEGER;
  const puts = counted ? index.holds.countOfKind("put") : 0;
  return {
    bytes: bytes + want.bytes - limit.bytesMax,
    entries: counted ? entries + puts + want.entries - limit.entriesMax : 0,
  };
}

/**
 * Takes out, in a transaction, some of what a need asks for: entries first, and once there are none
 * the oldest of the quarantine. The caller removes the files, and comes again.
 */
export function makeWay(
  index: CacheIndex,
  need: SieveNeed,
  passedBefore: number,
  { departures, notes, settings }: WayParts,
): Way {
  const out: Departure[] = [];
  const takeOut = (rows: readonly KeyedRow[]): void => {
    out.push(...departures.begin(index, rows));
  };
  const { limits } = settings;
  const { steps, passed } = evict(index, { need, passedBefore, limits, notes, takeOut });
  if (steps === 0 && need.bytes > 0) {
    const [oldest] = index.holds.ofKind("quarantined");
    if (oldest !== undefined) out.push(departures.expel(index, oldest));
  }
  return { out, passed };
}
