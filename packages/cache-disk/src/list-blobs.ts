import { algorithmOf, type BlobListOptions, type Descriptor, throwIfAborted } from "@bitstore/core";
import type { CacheParts } from "./cache-parts.ts";
import { algorithmsAscending, digestOfKey, highestKey, keyOf, lowestKey } from "./digest-key.ts";

/** Rows of one page; between pages others may write, and the list goes on from its last digest. */
const pageRows = 500;

/**
 * Lists descriptors in ascending order of the digests as strings, page by page. What is put or
 * deleted meanwhile may be in it or not. It holds no read open, so a slow reader costs nothing.
 */
export async function* listBlobs(
  parts: CacheParts,
  options: BlobListOptions = {},
): AsyncGenerator<Descriptor, void, void> {
  const { startAfter } = options;
  const first = startAfter === undefined ? undefined : algorithmOf(startAfter);
  for (const algorithm of algorithmsAscending) {
    if (
      first !== undefined &&
      algorithmsAscending.indexOf(algorithm) < algorithmsAscending.indexOf(first)
    ) {
      continue;
    }
    const inFirst = startAfter !== undefined && algorithm === first;
    let above = inFirst ? keyOf(startAfter) : lowestKey(algorithm);
    const below = highestKey(algorithm);
    for (;;) {
      throwIfAborted(options.signal, "list");
      const from = above;
      const rows = await parts.guard.read("list", (index) => index.byKey(from, below, pageRows));
      for (const { key, size } of rows) {
        throwIfAborted(options.signal, "list");
        const digest = digestOfKey(key);
        if (digest !== undefined) yield { digest, size };
        above = key;
      }
      if (rows.length < pageRows) break;
    }
  }
}
