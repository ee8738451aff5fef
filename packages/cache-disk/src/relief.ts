import { unlink } from "node:fs/promises";
import { isStoreError } from "@bitstore/core";
import type { KeyedRow } from "./cache-index.ts";
import type { CacheParts } from "./cache-parts.ts";
import { digestOfKey } from "./digest-key.ts";
import { diskFault } from "./disk-fault.ts";
import { forgetEntry } from "./forget-entry.ts";

/** Tells a full disk, as the system or SQLite says it, or as a StoreError carries it. */
export function isDiskFull(error: unknown): boolean {
  return diskFault(isStoreError(error) ? error.cause : error) === "full";
}

/** How much is given up when the disk is full: one part in this many of what is there. */
const reliefShare = 16;

/**
 * Makes the cache smaller after the disk turned out to be full, and keeps it so for a while: what
 * it holds now is too much, whatever its budget says. `written` are bytes that are there beside it.
 */
export async function relieve(parts: CacheParts, written: number): Promise<void> {
  const { guard, room } = parts;
  const { bytes, bytesMax, entriesMax } = await guard.read("relieve", (index) => {
    const totals = index.totals();
    const puts = index.holds.ofKind("put").reduce((sum, hold) => sum + hold.bytes, 0);
    return { ...totals, bytes: totals.bytes - puts + written };
  });
  const ceiling = Math.min(bytesMax, Math.floor(bytes - bytes / reliefShare));
  room.lowerCeiling(ceiling);
  try {
    await room.shrink({ bytesMax: ceiling, entriesMax }, "relieve");
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    await removeUnrecorded(parts);
    await room.shrink({ bytesMax: ceiling, entriesMax }, "relieve");
  }
  room.changed();
}

/** How often more files are removed, while the index can't even record that they were. */
const attemptsMax = 16;

/**
 * Removes files in the order of the queue although the disk is too full to record that first. Their
 * rows are taken out as soon as there is room for it; until then they count too much, and are
 * misses.
 */
async function removeUnrecorded(parts: CacheParts): Promise<void> {
  const { guard, folder, settings, departures } = parts;
  const removed: KeyedRow[] = [];
  let at: number | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const rows = await guard.read("relieve", (index) => {
      const { entries, hand } = index.totals();
      const limit = Math.min(settings.limits.rowsMax, Math.ceil(entries / reliefShare));
      return index.queueAfter(at ?? hand, limit);
    });
    for (const { key } of rows) {
      const digest = digestOfKey(key);
      if (digest !== undefined) await unlink(folder.blobPath(digest)).catch(() => undefined);
    }
    removed.push(...rows);
    // Past the newest entry it goes on at the oldest.
    at = rows.at(-1)?.seq ?? 0;
    try {
      await departures.write("relieve", (index) => {
        for (const row of removed) forgetEntry(index, folder, row);
      });
      return;
    } catch (error) {
      if (!isDiskFull(error) || attempt >= attemptsMax) throw error;
    }
  }
}
