import { lstat, rename } from "node:fs/promises";
import type { Digest } from "@bitstore/core";
import type { CacheIndex } from "./cache-index.ts";
import type { CacheParts } from "./cache-parts.ts";
import type { Departure } from "./departures.ts";
import { keyOf } from "./digest-key.ts";
import { diskFault, toStoreError } from "./disk-fault.ts";
import { chargeOf, quarantineShare } from "./limits.ts";
import { type Misfit, raiseQuarantined } from "./quarantine-alarm.ts";

/** How it was found that a file is wrong. */
type Finding = Pick<Misfit, "found" | "reads" | "foundBy">;

/**
 * Takes a blob out of the cache and keeps its file in `quarantine`, for whoever wants to know what
 * happened to it; resolves to whether there was one. Quarantined files count in the budget, take no
 * more than a sixteenth of it, and go before anything else is refused. With `seq` it does so only
 * to that very entry, not to a copy that was put since. An alarm says what was found, and where it is.
 */
export async function quarantineBlob(
  parts: CacheParts,
  digest: Digest,
  seq?: number,
  finding: Finding = { found: undefined, reads: 0, foundBy: "quarantine" },
): Promise<boolean> {
  const { settings, folder, departures, notes, room, guard } = parts;
  const place = { operation: "quarantine", subject: digest, source: settings.name };
  try {
    const size = await sizeOnDisk(folder.blobPath(digest));
    const leaving = await departures.write("quarantine", (index) =>
      begin(parts, index, digest, size, seq),
    );
    if (leaving === undefined) return false;
    notes.count(size === undefined ? "vanished" : "corruptions");
    const kept = leaving.name !== undefined && (await moveAside(parts, digest, leaving.name));
    if (kept) await keep(parts, leaving);
    else await departures.remove([leaving], "quarantine");
    await departures.settle("quarantine");
    room.changed();
    if (size === undefined) return false;
    const version = seq === undefined ? undefined : `${guard.epoch()}-${seq}`;
    const name = kept ? leaving.name : undefined;
    const misfit = { version, size, ...finding };
    raiseQuarantined(digest, settings.name, settings.seconds(), name, misfit);
    return true;
  } catch (error) {
    throw toStoreError(error, place);
  }
}

/** Takes the row out. The file is kept only where it is small enough, and there at all. */
function begin(
  parts: CacheParts,
  index: CacheIndex,
  digest: Digest,
  size: number | undefined,
  seq: number | undefined,
): Departure | undefined {
  const { departures, guard } = parts;
  const key = keyOf(digest);
  const row = index.lookup(key);
  if (seq !== undefined && row?.seq !== seq) return undefined;
  let leaving: Departure | undefined;
  if (row !== undefined) leaving = departures.begin(index, [row])[0];
  else if (size !== undefined && index.totals().unseen > 0 && !index.holds.isLeaving(key)) {
    leaving = departures.beginUnseen(index, key, size);
  }
  if (leaving === undefined || size === undefined) return leaving;
  index.holds.setBytes(leaving.id, chargeOf(size));
  if (chargeOf(size) > index.totals().bytesMax / quarantineShare) return leaving;
  const name = `${digest.replace(":", "-")}.${leaving.id}.${guard.epoch()}`;
  index.holds.setName(leaving.id, name);
  return { ...leaving, name };
}

async function moveAside(parts: CacheParts, digest: Digest, name: string): Promise<boolean> {
  const { folder } = parts;
  try {
    await rename(folder.blobPath(digest), folder.quarantinePath(name));
    return true;
  } catch {
    // Gone by now, or not to be moved: then it is removed, or the removal says why it can't be.
    return false;
  }
}

/** Turns the departure into a quarantined file, and lets the oldest go where there are too many. */
async function keep(parts: CacheParts, leaving: Departure): Promise<void> {
  const { departures, guard, settings } = parts;
  const expelled = await departures.write("quarantine", (index) => {
    if (index.epoch !== leaving.epoch) return [];
    index.holds.setKind(leaving.id, "quarantined", guard.owner());
    const kept = index.holds.ofKind("quarantined");
    let bytes = kept.reduce((sum, hold) => sum + hold.bytes, 0);
    let files = kept.length;
    const out: Departure[] = [];
    const bytesMax = index.totals().bytesMax / quarantineShare;
    for (const hold of kept) {
      if (files <= settings.limits.quarantineFilesMax && bytes <= bytesMax) break;
      out.push(departures.expel(index, hold));
      bytes -= hold.bytes;
      files -= 1;
    }
    return out;
  });
  await departures.remove(expelled, "quarantine");
}

/** Resolves to the size of whatever stands at a path; undefined where nothing does. */
export async function sizeOnDisk(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (diskFault(error) === "absent") return undefined;
    throw error;
  }
}
