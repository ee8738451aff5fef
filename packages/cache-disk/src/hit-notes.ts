import type { CacheIndex, EntryRow } from "./cache-index.ts";
import { usedResolutionS } from "./limits.ts";
import type { CacheSettings } from "./settings.ts";

/** What is counted over the life of the index, by all processes. */
export type CounterName =
  | "hits"
  | "misses"
  | "puts"
  | "evictions"
  | "refusals"
  | "corruptions"
  | "vanished";

/** Keeps in memory what reads have to tell the index, so that a hit needs no write. */
export interface HitNotes {
  hit(row: EntryRow | undefined): void;
  count(name: CounterName, delta?: number): void;
  /** Tells whether an entry was hit since its bit was written last. */
  isNoted(seq: number): boolean;
  dropNote(seq: number): void;
  /** Counts that are not in the index yet. */
  counts(): ReadonlyMap<CounterName, number>;
  /** Writes what is noted, a slice at a time. A failure leaves the rest noted. */
  flush(): Promise<void>;
  /** Forgets notes of rows, whose numbers mean nothing in a new index. */
  forgetRows(): void;
  close(): Promise<void>;
}

type Write = (operation: string, work: (index: CacheIndex) => void) => Promise<void>;

/** Rows that one transaction marks; sorted, so that neighbours share pages. About 1 ms. */
const sliceRows = 128;

/**
 * Makes the notes of one cache. They are written `flushMs` after the first of them, or early once
 * `pendingHitsMax` entries are noted; past that number a hit is counted, but its entry not marked.
 */
export function hitNotes(settings: CacheSettings, write: Write): HitNotes {
  const { clock, limits } = settings;
  const pending = new Map<number, number>();
  const counts = new Map<CounterName, number>();
  let cancel: (() => void) | undefined;
  let flushing: Promise<void> | undefined;
  let closed = false;

  function schedule(): void {
    if (closed || cancel !== undefined) return;
    cancel = clock.after(limits.flushMs, () => {
      cancel = undefined;
      flush().catch(() => undefined);
    });
  }

  async function writeAll(): Promise<void> {
    const rows = [...pending].sort(([a], [b]) => a - b);
    for (let at = 0; at < rows.length; at += sliceRows) {
      const slice = rows.slice(at, at + sliceRows);
      await write("note", (index) => {
        for (const [seq, usedAt] of slice) index.markVisited(seq, usedAt);
      });
      for (const [seq, usedAt] of slice) {
        if (pending.get(seq) === usedAt) pending.delete(seq);
      }
    }
    const deltas = [...counts];
    if (deltas.length === 0) return;
    await write("note", (index) => {
      for (const [name, delta] of deltas) index.addToCounter(name, delta);
    });
    for (const [name, delta] of deltas) add(name, -delta);
  }

  function add(name: CounterName, delta: number): void {
    const sum = (counts.get(name) ?? 0) + delta;
    if (sum === 0) counts.delete(name);
    else counts.set(name, sum);
  }

  function flush(): Promise<void> {
    flushing ??= writeAll().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  return {
    hit(row) {
      add("hits", 1);
      schedule();
      if (row === undefined) return;
      const now = settings.seconds();
      if (row.visited && now - row.usedAt < usedResolutionS) return;
      if (pending.size >= limits.pendingHitsMax) return;
      pending.set(row.seq, now);
      if (pending.size >= limits.pendingHitsMax) flush().catch(() => undefined);
    },
    count(name, delta = 1) {
      add(name, delta);
      schedule();
    },
    isNoted: (seq) => pending.has(seq),
    dropNote: (seq) => void pending.delete(seq),
    counts: () => counts,
    flush,
    forgetRows: () => pending.clear(),
    async close() {
      closed = true;
      cancel?.();
      // What a flush in flight had not seen is written by one more.
      await flush().catch(() => undefined);
      await flush().catch(() => undefined);
    },
  };
}
