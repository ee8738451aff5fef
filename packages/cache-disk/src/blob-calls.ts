import { type Descriptor, type Digest, throwIfAborted, type CallOptions } from "@bitstore/core";
import type { CacheParts } from "./cache-parts.ts";
import { keyOf } from "./digest-key.ts";
import { toStoreError } from "./disk-fault.ts";
import { sizeOnDisk } from "./quarantine.ts";

/** Answers from the index; from the file while the index can't say. */
export async function statBlob(
  parts: CacheParts,
  digest: Digest,
  options: CallOptions = {},
): Promise<Descriptor | undefined> {
  throwIfAborted(options.signal, "stat", digest);
  const found = parts.guard.lookup(keyOf(digest));
  if (found === "absent") return undefined;
  if (found !== "unknown") return { digest, size: found.size };
  try {
    const size = await sizeOnDisk(parts.folder.blobPath(digest));
    return size === undefined ? undefined : { digest, size };
  } catch (error) {
    throw toStoreError(error, { operation: "stat", subject: digest, source: parts.settings.name });
  }
}

/** Takes a blob out; resolves to whether there was one. Reads of it that are open go on. */
export async function deleteBlob(
  parts: CacheParts,
  digest: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  const { guard, folder, departures, room, settings } = parts;
  const key = keyOf(digest);
  throwIfAborted(signal, "delete", digest);
  try {
    const unknown = guard.lookup(key) === "unknown";
    const size = unknown ? await sizeOnDisk(folder.blobPath(digest)) : undefined;
    const leaving = await departures.write("delete", (index) => {
      const row = index.lookup(key);
      if (row !== undefined) return departures.begin(index, [row]);
      const unseen = size !== undefined && index.totals().unseen > 0;
      if (!unseen || index.holds.isLeaving(key)) return [];
      return [departures.beginUnseen(index, key, size)];
    });
    const removed = await departures.remove(leaving, "delete");
    await departures.settle("delete");
    room.changed();
    return removed > 0;
  } catch (error) {
    throw toStoreError(error, { operation: "delete", subject: digest, source: settings.name });
  }
}
