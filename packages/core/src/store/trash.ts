import type { Bucket, ObjectInfo } from "../bucket.ts";
import { orAborted } from "../abort.ts";
import type { Clock } from "../clock.ts";
import { type Content, contentOfStream } from "../content.ts";
import type { Descriptor, Digest } from "../digest.ts";
import { isStoreError, StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import type { CallOptions, OpenOptions } from "../source.ts";
import { verifyStream } from "../verify.ts";
import { detachedRestores, type Restored } from "./detached-restores.ts";
import { ageMs, type GcFormat, moveMsOf, trashPrefixOf, trashSafeMsOf } from "./format.ts";
import { touched } from "./touched.ts";

/** Looks, where a blob is not under its name, whether a collector has moved it out of the way. */
export interface Trash extends AsyncDisposable {
  open(digest: Digest, options: OpenOptions): Promise<Content | undefined>;
  stat(digest: Digest, gc: GcFormat, options: CallOptions): Promise<Descriptor | undefined>;
  /** Deletes the copies of a blob that is gone from its place; resolves to whether there were some. */
  delete(digest: Digest, gc: GcFormat, options: CallOptions): Promise<boolean>;
}

/** Copies of one blob that are looked at; each is of another run of a collector. */
const copiesMax = 1000;

/** What the clocks of a service's machines may differ by. */
const clockSkewMs = 5 * 60_000;

export interface TrashOptions {
  /** Of the store. */
  readonly name: string;
  /** Whether blobs are brought back. */
  readonly restores: boolean;
  /** Bytes of the largest blob that is brought back before it is answered for. */
  readonly restoreFirstBytesMax: number;
  readonly clock: Clock;
}

/**
 * Makes the trash of one store. A blob that is found there is copied back under its name first, its
 * bytes verified on the way, so that it counts as newly put: whoever asked for it may tag it now. One
 * that is large is answered for from its copy, and brought back meanwhile: nobody waits for it, unless
 * the copy may be purged so soon that a tag would come too late.
 */
export function trashOf(
  bucket: Bucket,
  layout: Layout,
  { name, restores, restoreFirstBytesMax, clock }: TrashOptions,
): Trash {
  const detached = detachedRestores(clock, name);
  const mayRestore = restores && bucket.capabilities.write;
  const isLarge = (copies: readonly ObjectInfo[]): boolean =>
    mayRestore && copies.some(({ size }) => size > restoreFirstBytesMax);

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
    touch: () => void = () => undefined,
  ): Promise<Restored> {
    if (!mayRestore) return "refused";
    if (copies.length === 0) return "gone";
    let mismatch: StoreError | undefined;
    for (const { key, size } of copies) {
      const content = await bucket.read(key, { signal });
      if (content === undefined) continue;
      const body = (): AsyncIterable<Uint8Array> =>
        verifyStream(touched(content.body, touch), digest, "open", name, size);
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

  function restoreDetached(
    digest: Digest,
    copies: readonly ObjectInfo[],
  ): Promise<Restored> | undefined {
    return detached.start(digest, (signal, touch) => restore(digest, copies, signal, touch));
  }

  return {
    async open(digest, { range, version, signal }) {
      const read = (key: string): Promise<Content | undefined> =>
        bucket.read(key, { range, ifVersion: version, signal });
      const copies = await copiesOf(digest, { signal });
      const isLater = isLarge(copies);
      if (isLater) void restoreDetached(digest, copies);
      if (isLater || (await restore(digest, copies, signal)) === "refused") {
        for (const { key } of copies) {
          const content = await read(key);
          if (content !== undefined) return isLater ? unpinned(content) : content;
        }
      }
      // Whoever found no copy may have come just after another reader had brought the blob back.
      return await read(layout.key(digest));
    },

    async stat(digest, gc, { signal }) {
      const copies = await copiesOf(digest, { signal });
      // An older copy may be purged the next moment, before a tag on it could be heeded.
      const safeMs = trashSafeMsOf(gc);
      const safe = copies.find((copy) => (ageMs(bucket, copy) ?? safeMs) < safeMs);
      const found = safe === undefined ? undefined : { digest, size: safe.size };
      if (isLarge(copies)) {
        const restoring = restoreDetached(digest, copies);
        if (found !== undefined) return found;
        if (restoring === undefined) throw tooManyRestores(digest, name);
        await orAborted(restoring, signal, "stat", digest);
      } else if ((await restore(digest, copies, signal)) === "refused" && found !== undefined) {
        return found;
      }
      const info = await bucket.head(layout.key(digest), { signal });
      return info === undefined ? undefined : { digest, size: info.size };
    },

    async delete(digest, gc, { signal }) {
      // What was begun for a read of before must not bring back what is deleted now.
      await detached.end(digest);
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

    [Symbol.asyncDispose]: () => detached[Symbol.asyncDispose](),
  };
}

/** Takes its version away: later ranges may come from its place, where it is another object. */
function unpinned(content: Content): Content {
  const { size, range, source, role, verified } = content;
  const streamed = contentOfStream(
    { size, range, source, role, verified },
    () => content.body,
    async () => await content[Symbol.asyncDispose](),
  );
  return { ...streamed, bytes: () => content.bytes() };
}

function tooManyRestores(digest: Digest, source: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "stat",
    subject: digest,
    source,
    message: "it has to be brought back from the trash after others; ask again in a while",
  });
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
