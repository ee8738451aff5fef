import { StoreError, throwIfAborted } from "@bitstore/core";
import type { CacheParts } from "./cache-parts.ts";
import type { Freed } from "./room.ts";

export interface PruneOptions {
  /** Evicts, in the usual order, until blobs take no more than this. 0 empties the cache. */
  readonly bytesMax?: number | undefined;
  /** Removes blobs that were neither put nor read for this long, to the hour. */
  readonly olderThanMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Rows that are looked at in one transaction. */
const pageRows = 256;

/** Makes the cache smaller; resolves to what went. A budget stays what it is. */
export async function pruneBlobs(
  parts: CacheParts,
  options: PruneOptions,
  signal: AbortSignal,
): Promise<Freed> {
  const { bytesMax, olderThanMs } = options;
  checkOption(parts, "bytesMax", bytesMax);
  checkOption(parts, "olderThanMs", olderThanMs);
  let entries = 0;
  let bytes = 0;
  const add = (freed: Freed): void => {
    entries += freed.entries;
    bytes += freed.bytes;
  };
  if (olderThanMs !== undefined) add(await pruneOld(parts, olderThanMs, signal));
  if (bytesMax !== undefined) {
    const budget = { bytesMax, entriesMax: Number.MAX_SAFE_INTEGER };
    add(await parts.room.shrink(budget, "prune", signal));
  }
  parts.room.changed();
  return { entries, bytes };
}

async function pruneOld(
  parts: CacheParts,
  olderThanMs: number,
  signal: AbortSignal,
): Promise<Freed> {
  const { departures, notes, settings } = parts;
  // What was read lately is noted in memory first.
  await notes.flush();
  const before = settings.seconds() - olderThanMs / 1000;
  let position = 0;
  let entries = 0;
  let bytes = 0;
  for (;;) {
    throwIfAborted(signal, "prune");
    const from = position;
    const { rows, leaving } = await departures.write("prune", (index) => {
      const page = index.queueAfter(from, pageRows);
      const old = page.filter(({ usedAt }) => usedAt < before);
      return { rows: page, leaving: departures.begin(index, old) };
    });
    entries += await departures.remove(leaving, "prune");
    for (const { size } of leaving) bytes += size;
    const last = rows.at(-1);
    if (last === undefined) break;
    position = last.seq;
  }
  await departures.settle("prune");
  notes.count("evictions", entries);
  return { entries, bytes };
}

function checkOption(parts: CacheParts, option: string, value: number | undefined): void {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "prune",
    subject: `option ${option}`,
    source: parts.settings.name,
    message: `${value} is no number of 0 or more`,
  });
}
