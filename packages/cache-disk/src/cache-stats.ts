import { statSync } from "node:fs";
import type { CacheParts } from "./cache-parts.ts";
import type { CounterName } from "./hit-notes.ts";

/** What a cache holds now, and what it has done since its index was made, by all processes. */
export interface DiskCacheStats {
  readonly directory: string;
  /** Blobs that are there to be read. */
  readonly entries: number;
  /** Bytes that everything takes in the budget: blobs, puts in flight, the quarantine. */
  readonly bytes: number;
  readonly bytesMax: number;
  /** Undefined where there is no limit. */
  readonly entriesMax: number | undefined;
  /** Sum of the blobs' own sizes. */
  readonly blobBytes: number;
  /** Bytes of the budget that puts in flight hold. */
  readonly heldBytes: number;
  readonly quarantinedEntries: number;
  readonly quarantinedBytes: number;
  /** Bytes of the index, which is not in the budget. */
  readonly indexBytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Blobs that were stored. */
  readonly puts: number;
  /** Files that were removed to make room, or by `prune`. */
  readonly evictions: number;
  /** Puts that were refused because the blob was too large. */
  readonly refusals: number;
  /** Files that were not what they should be. */
  readonly corruptions: number;
  /** Files that somebody else has removed. */
  readonly vanished: number;
  /** False while a walk of the files goes on, of which `entries` then tells only a part. */
  readonly complete: boolean;
}

export async function cacheStats(parts: CacheParts): Promise<DiskCacheStats> {
  const { guard, notes, settings } = parts;
  return await guard.read("stats", (index) => {
    const totals = index.totals();
    const written = index.counters();
    const pending = notes.counts();
    const counter = (name: CounterName): number =>
      (written.get(name) ?? 0) + (pending.get(name) ?? 0);
    const quarantined = index.holds.ofKind("quarantined");
    const held = [...index.holds.ofKind("put"), ...index.holds.ofKind("leaving")];
    const bytesOf = (holds: readonly { bytes: number }[]): number =>
      holds.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      directory: settings.directory,
      entries: totals.entries,
      bytes: totals.bytes,
      bytesMax: totals.bytesMax,
      entriesMax: totals.entriesMax === Number.MAX_SAFE_INTEGER ? undefined : totals.entriesMax,
      blobBytes: totals.entryBytes,
      heldBytes: bytesOf(held),
      quarantinedEntries: quarantined.length,
      quarantinedBytes: bytesOf(quarantined),
      indexBytes: sizeOf(index.path) + sizeOf(`${index.path}-wal`),
      hits: counter("hits"),
      misses: counter("misses"),
      puts: counter("puts"),
      evictions: counter("evictions"),
      refusals: counter("refusals"),
      corruptions: counter("corruptions"),
      vanished: counter("vanished"),
      complete: totals.unseen === 0,
    };
  });
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
