import type { Bucket, ObjectInfo } from "../bucket.ts";
import type { Content } from "../content.ts";
import type { Descriptor, Digest } from "../digest.ts";
import { isStoreError, StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import type { CallOptions, OpenOptions } from "../source.ts";
import { verifyStream } from "../verify.ts";
import { ageMs, type GcFormat, moveMsOf, trashPrefixOf, trashSafeMsOf } from "./format.ts";

/** Looks, where a blob is not under its name, whether a collector has moved it out of the way. */
export interface Trash {
  open(digest: Digest, options: OpenOptions): Promise<Content | undefined>;
  stat(digest: Digest, gc: GcFormat, options: CallOptions): Promise<Descriptor | undefined>;
  /** Deletes the copies of a blob that is gone from its place; resolves to whether there were some. */
  delete(digest: Digest, gc: GcFormat, options: CallOptions): Promise<boolean>;
}

/** What became of bringing a blob back: `refused` for want of the right to write. */
type Restored = "restored" | "refused" | "gone";

/** Copies of one blob that are looked at; each is of another run of a collector. */
const copiesMax = 1000;

/** What the clocks of a service's machines may differ by. */
const clockSkewMs = 5 * 60_000;

/**
 * Makes the trash of one store. A blob that is found there is copied back under its name first, its
 * bytes verified on the way, so that it counts as newly put: whoever asked for it may tag it now.
 */
export function trashOf(
  bucket: Bucket,
  layout: Layout,
  { name, restores }: { readonly name: string; readonly restores: boolean },
): Trash {
  /** Finds the copies, newest first: ids of runs begin with their time. */
  async function copiesOf(digest: Digest, { signal }: CallOptions): Promise<ObjectInfo[]> {
    const copies: ObjectInfo[] = [];
    try {
      const listing = bucket.list(trashPrefixOf(layout, digest), { limit: copiesMax, signal });
      for await (const info of listing) copies.unshift(info);
    } catch (error) {
      if (isStoreError(error, "PERMISSION_DENIED")) throw unlisted(digest, name, error);
      throw error;
    }
    return copies;
  }

  async function restore(
    digest: Digest,
    copies: readonly ObjectInfo[],
    signal: AbortSignal | undefined,
  ): Promise<Restored> {
    if (!restores || !bucket.capabilities.write) return "refused";
    let mismatch: StoreError | undefined;
    for (const { key, size } of copies) {
      const content = await bucket.read(key, { signal });
      if (content === undefined) continue;
      const body = (): AsyncIterable<Uint8Array> =>
        verifyStream(content.body, digest, "open", name, size);
      const ifAbsent = bucket.capabilities.createIfAbsent;
      try {
        await bucket.put(layout.key(digest), body, { size, ifAbsent, signal });
        return "restored";
      } catch (error) {
        if (isStoreError(error, "PERMISSION_DENIED")) return "refused";
        if (!isStoreError(error, "DIGEST_MISMATCH")) throw error;
        mismatch = error;
      } finally {
        await content[Symbol.asyncDispose]();
      }
    }
    if (mismatch !== undefined) throw mismatch;
    return "gone";
  }

  return {
    async open(digest, { range, version, signal }) {
      const read = (key: string): Promise<Content | undefined> =>
        bucket.read(key, { range, ifVersion: version, signal });
      const copies = await copiesOf(digest, { signal });
      const restored = copies.length === 0 ? "gone" : await restore(digest, copies, signal);
      if (restored === "refused") {
        for (const { key } of copies) {
          const content = await read(key);
          if (content !== undefined) return content;
        }
      }
      // Whoever found no copy may have come just after another reader had brought the blob back.
      return await read(layout.key(digest));
    },

    async stat(digest, gc, { signal }) {
      const copies = await copiesOf(digest, { signal });
      const restored = copies.length === 0 ? "gone" : await restore(digest, copies, signal);
      if (restored === "refused") {
        // An older copy may be purged the next moment, before a tag on it could be heeded.
        const safeMs = trashSafeMsOf(gc);
        const safe = copies.find((copy) => (ageMs(bucket, copy) ?? safeMs) < safeMs);
        if (safe !== undefined) return { digest, size: safe.size };
      }
      const info = await bucket.head(layout.key(digest), { signal });
      return info === undefined ? undefined : { digest, size: info.size };
    },

    async delete(digest, gc, { signal }) {
      const copies = await copiesOf(digest, { signal });
      if (copies.length === 0) return false;
      const settledMs = moveMsOf(gc) + clockSkewMs;
      const leftMs = Math.max(...copies.map((copy) => settledMs - (ageMs(bucket, copy) ?? 0)));
      // Its collector may still delete the blob: without this copy, also one that was put again.
      if (leftMs > 0) throw beingMoved(digest, name, leftMs);
      for (const { key } of copies) await bucket.delete(key, { signal });
      // A reader may have brought it back meanwhile.
      await bucket.delete(layout.key(digest), { signal });
      return true;
    },
  };
}

function unlisted(digest: Digest, source: string, cause: StoreError): StoreError {
  return new StoreError({
    code: "PERMISSION_DENIED",
    operation: "open",
    subject: digest,
    source,
    message: "it may be in the trash, which these credentials can't list; grant the right to list",
    cause,
  });
}

function beingMoved(digest: Digest, source: string, retryAfterMs: number): StoreError {
  const minutes = Math.ceil(retryAfterMs / 60_000);
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "delete",
    subject: digest,
    source,
    message: `a collector has just moved it to the trash; delete it again in ${minutes} minutes`,
    // Nobody should wait for that long in a loop.
    persistence: "exhausted",
    retryAfterMs,
  });
}
