import { renameSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { abortedError, type Descriptor, type PutResult, sleep, StoreError } from "@bitstore/core";
import type { CacheIndex, KeyedRow } from "./cache-index.ts";
import type { CacheParts } from "./cache-parts.ts";
import { keyOf } from "./digest-key.ts";
import { diskFault } from "./disk-fault.ts";
import { isThere } from "./is-there.ts";
import { syncFolder } from "./owners.ts";
import { type Hold, lostHold } from "./room.ts";

type Outcome = "created" | "leaving" | KeyedRow;

/** How long to wait before asking again whether an eviction of the same blob is over. */
const leavingMs = 5;

/**
 * Gives a verified temporary file its blob's name, and the index its row, in one transaction: the
 * rename takes some 20 µs, and so no other process ever sees one without the other. A file on its
 * way out under the same name is waited for. Where a row is there, somebody was faster.
 */
export async function publish(
  parts: CacheParts,
  hold: Hold,
  blob: Descriptor,
  signal: AbortSignal,
): Promise<PutResult["outcome"]> {
  const { settings, folder, departures } = parts;
  const { clock, limits } = settings;
  const target = folder.blobPath(blob.digest);
  const deadline = clock.now() + limits.spaceMs;
  let madeFolder = false;
  for (;;) {
    let outcome: Outcome;
    try {
      outcome = await departures.write("put", (index) => {
        if (signal.aborted) throw abortedError("put", signal, blob.digest);
        return place(parts, index, hold, blob, target);
      });
    } catch (error) {
      if (madeFolder || diskFault(error) !== "absent") throw error;
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      madeFolder = true;
      continue;
    }
    if (outcome === "created") {
      if (settings.fsync) await syncUpwards(folder.blobs, dirname(target));
      return "created";
    }
    if (outcome !== "leaving") {
      // Put while this put was going on, hence verified just now; or older, and to be looked at.
      if (outcome.seq > hold.sequence || (await isThere(parts, blob.digest, signal)))
        return "existed";
    } else if (clock.now() >= deadline) throw stuck(settings.name, blob);
    else await sleep(clock, leavingMs);
  }
}

function place(
  parts: CacheParts,
  index: CacheIndex,
  hold: Hold,
  { digest, size }: Descriptor,
  target: string,
): Outcome {
  if (index.epoch !== hold.epoch || index.holds.get(hold.id) === undefined) throw lostHold();
  const key = keyOf(digest);
  if (index.holds.isLeaving(key)) return "leaving";
  const row = index.lookup(key);
  if (row !== undefined) return row;
  renameSync(parts.folder.tmpPath(hold.name), target);
  index.insertEntry(key, size, parts.settings.seconds());
  index.holds.drop(hold.id);
  return "created";
}

/** Syncs a folder and those above it, up to the one of all blobs. */
async function syncUpwards(top: string, from: string): Promise<void> {
  for (let path = from; path.length >= top.length; path = dirname(path)) await syncFolder(path);
}

function stuck(source: string, { digest }: Descriptor): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "put",
    subject: digest,
    source,
    message: "an older copy is still being removed by another process; try again",
  });
}
