import type { Digest, StoreError } from "@bitstore/core";
import type { Journal } from "./journal.ts";
import { type JournalPlace, scanPending, scanRotten } from "./scan-pending.ts";
import type { Uploader } from "./uploader.ts";

/** A blob that the origin refuses, or whose file went bad. */
export interface FailedBlob {
  readonly digest: Digest;
  /** Undefined for one whose file went bad: it is no longer pending. */
  readonly size: number | undefined;
  readonly error: StoreError;
}

export interface WriteBackStatus {
  readonly pendingEntries: number;
  readonly pendingBytes: number;
  /** Bytes of the budget that are taken: what is pending, and puts under way. */
  readonly usedBytes: number;
  /** Uploads under way. */
  readonly uploading: number;
  /** Milliseconds that the oldest has been pending; undefined where none is. */
  readonly oldestMs: number | undefined;
  /** The last failure of an upload. */
  readonly lastError: StoreError | undefined;
  /** The first `failedMax` of those that nothing but a person can help. */
  readonly failedPermanently: readonly FailedBlob[];
  readonly failedEntries: number;
}

export function statusOf(journal: Journal, uploader: Uploader): WriteBackStatus {
  const { pending, room, rotten, settings } = journal;
  const failed: FailedBlob[] = [];
  let oldestMs: number | undefined;
  for (const { digest, size, refusal, sinceMs } of pending.values()) {
    oldestMs = Math.max(oldestMs ?? 0, settings.clock.now() - sinceMs);
    if (refusal !== undefined) failed.push({ digest, size, error: refusal });
  }
  for (const [digest, { error }] of rotten) {
    // One that was put again is on its way.
    if (pending.get(digest) === undefined) failed.push({ digest, size: undefined, error });
  }
  return {
    pendingEntries: pending.size,
    pendingBytes: pending.bytes,
    usedBytes: room.usedBytes(),
    uploading: uploader.uploading(),
    oldestMs,
    lastError: uploader.lastError(),
    failedPermanently: failed.slice(0, settings.limits.failedMax),
    failedEntries: failed.length,
  };
}

/** Tells what the files of a directory say, whoever owns it. Failures of uploads are in no file. */
export async function statusOnDisk(place: JournalPlace): Promise<WriteBackStatus> {
  const { date, limits } = place.settings;
  const found = await scanPending(place, undefined);
  const pendingBytes = found.reduce((sum, { size }) => sum + size, 0);
  const failed: FailedBlob[] = [];
  for (const [digest, { error }] of await scanRotten(place)) {
    if (found.every((each) => each.digest !== digest)) {
      failed.push({ digest, size: undefined, error });
    }
  }
  const [oldest] = found;
  return {
    pendingEntries: found.length,
    pendingBytes,
    usedBytes: pendingBytes,
    uploading: 0,
    oldestMs: oldest === undefined ? undefined : Math.max(0, date() - oldest.modifiedMs),
    lastError: undefined,
    failedPermanently: failed.slice(0, limits.failedMax),
    failedEntries: failed.length,
  };
}
