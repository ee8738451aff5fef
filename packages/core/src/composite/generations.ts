import { type Digest, hexOf } from "../digest.ts";

/**
 * Counts the writes of each digest, so that an answer that was looked up before a write is neither
 * remembered nor shared after it. Digests share 65,536 counters by their first hex digits: a flat
 * table that errs by forgetting an answer too early, or giving up a fill: nobody may take more from it.
 */
export interface Generations {
  of(digest: Digest): number;
  bump(digest: Digest): void;
}

export function generations(): Generations {
  const counters = new Uint32Array(65_536);
  return {
    of: (digest) => counters[slot(digest)] ?? 0,
    bump(digest) {
      counters[slot(digest)] = (counters[slot(digest)] ?? 0) + 1;
    },
  };
}

function slot(digest: Digest): number {
  return Number.parseInt(hexOf(digest).slice(0, 4), 16);
}
