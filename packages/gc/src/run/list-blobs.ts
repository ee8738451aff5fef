import {
  closeUnawaited,
  type Digest,
  type ObjectInfo,
  parseTrashKey,
  trashPrefix,
} from "@bitstore/core";
import type { GcTier } from "../tier/gc-tier.ts";
import type { Patience } from "./patience.ts";

/** An object of a store, and the blob that it is. */
export interface StoredBlob {
  readonly digest: Digest;
  readonly info: ObjectInfo;
}

/** Lists the blobs of a store with what the service tells of them, in ascending order of digests. */
export async function* listBlobs(
  { layout, ...tier }: GcTier,
  patience: Patience,
): AsyncGenerator<StoredBlob, void, void> {
  const trash = trashPrefix(layout);
  for (const algorithm of layout.algorithms) {
    for await (const info of steadyList({ layout, ...tier }, layout.prefix(algorithm), patience)) {
      // A flat layout lists its whole root, where nothing that follows the trash is a blob.
      if (info.key.startsWith(trash)) break;
      const digest = layout.digest(info.key);
      if (digest !== undefined) yield { digest, info };
    }
  }
}

/** A copy in the trash, and the run that made it. */
export interface TrashedBlob extends StoredBlob {
  readonly run: string;
}

/** Lists the copies in a store's trash, in ascending order of digests; of each the oldest first. */
export async function* listTrash(
  tier: GcTier,
  patience: Patience,
): AsyncGenerator<TrashedBlob, void, void> {
  for await (const info of steadyList(tier, trashPrefix(tier.layout), patience)) {
    const found = parseTrashKey(tier.layout, info.key);
    if (found !== undefined) yield { ...found, info };
  }
}

/** Lists on where a page failed for a while, after the last key that came. */
async function* steadyList(
  { bucket }: GcTier,
  prefix: string,
  { once, pauseAfter }: Patience,
): AsyncGenerator<ObjectInfo, void, void> {
  let startAfter: string | undefined;
  for (let failed = 0; ; ) {
    // What aborts one wait ends the listing, which then begins again.
    const stop = new AbortController();
    const listing = bucket.list(prefix, { startAfter, signal: stop.signal });
    const items = listing[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await once(() => items.next());
        if (next.done === true) return;
        yield next.value;
        startAfter = next.value.key;
        failed = 0;
      }
    } catch (error) {
      failed += 1;
      await pauseAfter(error, failed);
    } finally {
      stop.abort();
      closeUnawaited(items);
    }
  }
}
