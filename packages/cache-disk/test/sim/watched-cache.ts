import type { DiskCache } from "@bitstore/cache-disk";
import type { BlobPutOptions, Body, Digest, PutResult } from "@bitstore/core";
import type { Ledger, LedgerBlob } from "./ledger.ts";

/** The cache, and a ledger of what it was asked and has acknowledged. */
export interface WatchedCache extends DiskCache {
  /** A put of a body that is, or pretends to be, that of a blob. */
  putOf(blob: LedgerBlob, body: Body, options: BlobPutOptions): Promise<PutResult>;
}

/**
 * Keeps the ledger of one process's cache. What comes after its death counts for nothing: the promises
 * of a dead process are never answered, but those which need no disk may be.
 */
export function watchedCache(
  cache: DiskCache,
  ledger: Ledger,
  isDead: () => boolean,
): WatchedCache {
  /** What a taker takes, it may take at any moment until it ends; one that dies never does. */
  async function taking<T>(blobs: readonly LedgerBlob[], work: () => Promise<T>): Promise<T> {
    const change = (by: 1 | -1): void => {
      for (const blob of blobs) {
        blob.owed = false;
        blob.takings += 1;
        blob.takersUnder += by;
      }
    };
    change(1);
    try {
      return await work();
    } finally {
      change(-1);
    }
  }

  async function putOf(blob: LedgerBlob, body: Body, options: BlobPutOptions): Promise<PutResult> {
    const { rots, takings } = blob;
    blob.putsBegun += 1;
    blob.putsUnder += 1;
    blob.gone = false;
    try {
      const result = await cache.put(body, options);
      if (isDead()) return result;
      if (blob.rots === rots) blob.mayBeRotten = false;
      if (blob.takings === takings && blob.takersUnder === 0) blob.owed = true;
      return result;
    } finally {
      blob.putsUnder -= 1;
    }
  }

  const blobsOf = (digest: Digest): readonly LedgerBlob[] =>
    ledger.blobs.filter((blob) => blob.digest === digest);

  return {
    ...cache,
    putOf,
    put(body, options = {}) {
      const blob = options.digest === undefined ? undefined : ledger.of(options.digest);
      if (blob === undefined) throw new RangeError("a put of a blob that the ledger does not know");
      return putOf(blob, body, options);
    },
    async delete(digest, options) {
      const blob = ledger.of(digest);
      const [begun, under] = [blob?.putsBegun, blob?.putsUnder];
      const deleted = await taking(
        blobsOf(digest),
        async () => await cache.delete(digest, options),
      );
      if (blob !== undefined && !isDead() && under === 0 && begun === blob.putsBegun) {
        blob.gone = true;
      }
      return deleted;
    },
    quarantine: (digest: Digest) =>
      taking(blobsOf(digest), async () => await cache.quarantine(digest)),
    prune: (options) => taking(ledger.blobs, async () => await cache.prune(options)),
    [Symbol.asyncDispose]: async () => await cache[Symbol.asyncDispose](),
  };
}
