import { type Digest, isStoreError, moveMsOf, trashMsOf, verifyStream } from "@bitstore/core";
import type { CheckedTier } from "../tier/gc-tier.ts";
import type { TrashedBlob } from "./list-blobs.ts";
import type { Patience } from "./patience.ts";

/**
 * What became of a copy in the trash: `purged`, since nothing names the blob; `restored` to its place,
 * since something does; `dropped`, since the blob is in its place again; `kept` until its time is
 * over; `corrupt`, where something names the blob and neither can be taken for it.
 */
export type PurgeOutcome = "purged" | "restored" | "dropped" | "kept" | "corrupt";

/**
 * Decides about one copy. It goes only where it had lain for its time when marking began: what tags it
 * now looked for it first, and so brought it back.
 */
export async function purgeCopy(
  tier: CheckedTier,
  { digest, info }: TrashedBlob,
  isMarked: boolean,
  { dryRun, patience }: { readonly dryRun: boolean; readonly patience: Patience },
): Promise<PurgeOutcome> {
  const { bucket, layout, gc, markedAtMs } = tier;
  const { retried } = patience;
  const modifiedMs = info.modifiedAt?.getTime() ?? markedAtMs;
  const isDue = markedAtMs - modifiedMs >= trashMsOf(gc);
  if (!isMarked) {
    if (!isDue) return "kept";
    // Keys of two runs are never the same, so this can't hit a newer copy, however late it comes.
    if (!dryRun) await retried((signal) => bucket.delete(info.key, { signal }));
    return "purged";
  }
  const key = layout.key(digest);
  const there = await retried((signal) => bucket.head(key, { signal }));
  if (there === undefined) {
    if (dryRun) return "restored";
    return await retried(
      (signal) => restore(tier, info.key, digest, info.size, signal),
      moveMsOf(gc),
    );
  }
  if (!isDue) return "kept";
  if (!(await retried((signal) => isRight(tier, digest, signal), moveMsOf(gc)))) return "corrupt";
  if (!dryRun) await retried((signal) => bucket.delete(info.key, { signal }));
  return "dropped";
}

/** Copies a blob back. The copy stays for a later run, which looks whether all is well. */
async function restore(
  { bucket, layout, name }: CheckedTier,
  copyKey: string,
  digest: Digest,
  size: number,
  signal: AbortSignal,
): Promise<"restored" | "kept" | "corrupt"> {
  const content = await bucket.read(copyKey, { signal });
  if (content === undefined) return "kept";
  await using read = content;
  const body = (): AsyncIterable<Uint8Array> => verifyStream(read.body, digest, "gc", name, size);
  try {
    await bucket.put(layout.key(digest), body, { size, ifAbsent: true, signal });
    return "restored";
  } catch (error) {
    if (isStoreError(error, "DIGEST_MISMATCH")) return "corrupt";
    throw error;
  }
}

/** Reads a blob in its place: a good copy is not given up for one that only has the same name. */
async function isRight(
  { bucket, layout, name }: CheckedTier,
  digest: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  const content = await bucket.read(layout.key(digest), { signal });
  if (content === undefined) return false;
  try {
    for await (const _ of verifyStream(content.body, digest, "gc", name));
    return true;
  } catch (error) {
    if (isStoreError(error, "DIGEST_MISMATCH")) return false;
    throw error;
  }
}
