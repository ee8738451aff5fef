import {
  type Digest,
  isPutAside,
  type ObjectInfo,
  parseTrashKey,
  trashPrefix,
} from "@bitstore/core";
import type { GcTier } from "../tier/gc-tier.ts";
import type { Patience } from "./patience.ts";
import { steadyList } from "./steady-list.ts";

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
  for (const algorithm of layout.algorithms) {
    for await (const info of steadily({ layout, ...tier }, layout.prefix(algorithm), patience)) {
      // A flat layout lists its whole root, where nothing that follows these is a blob.
      if (isPutAside(layout, info.key)) break;
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
  for await (const info of steadily(tier, trashPrefix(tier.layout), patience)) {
    const found = parseTrashKey(tier.layout, info.key);
    if (found !== undefined) yield { ...found, info };
  }
}

function steadily(
  { bucket }: GcTier,
  prefix: string,
  patience: Patience,
): AsyncGenerator<ObjectInfo, void, void> {
  return steadyList(
    (options) => bucket.list(prefix, options),
    ({ key }) => key,
    patience,
  );
}
