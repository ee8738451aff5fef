/** One entry as the eviction sees it: its place in the queue, its weight, and its one bit. */
export interface SieveEntry {
  /** Place in the queue; grows with each insertion and is never used twice. */
  readonly position: number;
  /** What its eviction gives back. */
  readonly bytes: number;
  /** Whether it was read since the hand passed it last. */
  readonly visited: boolean;
}

/** What has to be given back. Nothing is evicted where both are zero or less. */
export interface SieveNeed {
  readonly bytes: number;
  readonly entries: number;
}

export interface SieveOptions<Entry extends SieveEntry> {
  /** Gives at most `limit` entries whose positions are above one, in ascending order. */
  readonly after: (position: number, limit: number) => readonly Entry[];
  /** Where the hand stood when the last sweep ended; 0 is before the oldest entry. */
  readonly hand: number;
  readonly need: SieveNeed;
  /** Evicts at most this many in one sweep, so that one sweep is one short transaction. */
  readonly victimsMax: number;
  /** Looks at no more than this many entries in one sweep. */
  readonly stepsMax: number;
  /** Evicts what is visited too: the way out when a whole lap would take too long. */
  readonly force?: boolean | undefined;
}

export interface SieveSweep<Entry extends SieveEntry> {
  readonly victims: readonly Entry[];
  /** Where the hand stands now. */
  readonly hand: number;
  /** Every survivor with `from < position <= to` loses its visited bit. */
  readonly cleared: { readonly from: number; readonly to: number };
  /** Entries that were looked at. */
  readonly steps: number;
  /** Whether the hand has come to the newest entry and begins again at the oldest. */
  readonly wrapped: boolean;
}

/** Entries that are asked for at once; a sweep mostly ends within the first few. */
const pageEntries = 64;

/**
 * Chooses what to evict, by SIEVE: the hand moves from the oldest entry to the newest; one that was
 * visited loses its bit and stays where it is, one that was not is evicted. A hit sets a bit and
 * moves nothing, so that it needs no write lock; a new entry that is never read again is gone after
 * one lap at most, which is what keeps scans from washing the cache out.
 *
 * One sweep ends when the need is met, at a limit, or at the newest entry. It changes nothing: the
 * caller applies it and calls again while the need is not met. The queue is empty when a sweep that
 * began at 0 took no step.
 *
 * Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 */
export function sieveSweep<Entry extends SieveEntry>(
  options: SieveOptions<Entry>,
): SieveSweep<Entry> {
  const { after, need, victimsMax, stepsMax, force = false } = options;
  const victims: Entry[] = [];
  let { hand } = options;
  let { bytes, entries } = need;
  let steps = 0;
  const ended = (): boolean =>
    (bytes <= 0 && entries <= 0) || victims.length >= victimsMax || steps >= stepsMax;
  const result = (wrapped: boolean): SieveSweep<Entry> => ({
    victims,
    hand: wrapped ? 0 : hand,
    cleared: { from: options.hand, to: hand },
    steps,
    wrapped,
  });

  while (!ended()) {
    const page = after(hand, Math.min(pageEntries, stepsMax - steps));
    if (page.length === 0) return result(true);
    for (const entry of page) {
      if (ended()) break;
      steps += 1;
      hand = entry.position;
      if (entry.visited && !force) continue;
      victims.push(entry);
      bytes -= entry.bytes;
      entries -= 1;
    }
  }
  return result(false);
}
