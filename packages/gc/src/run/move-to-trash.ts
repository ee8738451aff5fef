import {
  ageMs,
  type Clock,
  type Digest,
  isStoreError,
  moveMsOf,
  type ObjectInfo,
  trashPrefixOf,
  verifyStream,
} from "@bitstore/core";
import type { CheckedTier } from "../tier/gc-tier.ts";
import type { Patience } from "./patience.ts";

/**
 * What became of a blob that nothing names: `swept` to the trash; `renewed` by a put meanwhile;
 * `gone`, deleted by somebody else; `slow`, too large to be copied in time; `corrupt`, left for
 * `verify` to look at.
 */
export type MoveOutcome = "swept" | "renewed" | "gone" | "slow" | "corrupt";

export interface MoveOptions {
  readonly run: string;
  readonly clock: Clock;
  readonly date: () => Date;
  readonly patience: Patience;
}

/**
 * Moves one blob to the trash: looks at it again, copies it with its bytes verified, looks once more,
 * and deletes it.
 *
 * Others put, read and tag it at the same time, and no service deletes on a condition. What keeps
 * their blob is this: a deletion is sent only within {@link moveMsOf} of the moment that the copy was
 * begun, and the copy stays for two graces. So whatever the deletion hits, also
 * a blob that was renewed or put again the instant before, stays readable from the copy for a grace.
 */
export async function moveToTrash(
  tier: CheckedTier,
  digest: Digest,
  { run, clock, date, patience }: MoveOptions,
): Promise<MoveOutcome> {
  const { bucket, layout, gc } = tier;
  const { retried } = patience;
  const key = layout.key(digest);
  const copyKey = trashPrefixOf(layout, digest) + run;
  const isOld = (info: ObjectInfo): boolean => (ageMs(bucket, info) ?? 0) >= gc.graceMs;

  const before = await retried((signal) => bucket.head(key, { signal }));
  if (before === undefined) return "gone";
  if (!isOld(before)) return "renewed";
  const began = times(tier, { clock, date });

  const tookMs = (): number =>
    Math.max(...times(tier, { clock, date }).map((time, at) => time - (began[at] ?? 0)));
  const isSlow = (): boolean => tookMs() > moveMsOf(gc);
  const copied = await retried(
    (signal) => copy(tier, before, digest, copyKey, signal),
    moveMsOf(gc),
  ).catch((error: unknown) => {
    if (isStoreError(error, "TIMEOUT") && tookMs() >= moveMsOf(gc)) return "slow" as const;
    throw error;
  });
  if (copied !== "copied" && copied !== "slow") return copied;

  const after = await retried((signal) => bucket.head(key, { signal }));
  if (after === undefined) {
    // Whoever deleted it keeps a copy of his own, or wants none to be left.
    await retried((signal) => bucket.delete(copyKey, { signal }));
    return "gone";
  }
  if (after.version !== before.version || !isOld(after)) return "renewed";
  if (copied === "slow" || isSlow()) {
    // It is in its place, so nobody lives from this copy, and every run would leave another.
    await retried((signal) => bucket.delete(copyKey, { signal }));
    return "slow";
  }
  // It is not tried again: a second deletion might come too late.
  const deleted = await patience.once((signal) => bucket.delete(key, { signal }));
  return deleted ? "swept" : "gone";
}

async function copy(
  { bucket, name }: CheckedTier,
  info: ObjectInfo,
  digest: Digest,
  copyKey: string,
  signal: AbortSignal,
): Promise<"copied" | "gone" | "renewed" | "corrupt"> {
  try {
    const content = await bucket.read(info.key, { ifVersion: info.version, signal });
    if (content === undefined) return "gone";
    await using read = content;
    const body = (): AsyncIterable<Uint8Array> =>
      verifyStream(read.body, digest, "gc", name, info.size);
    // A key that is taken was taken by this very copy, whose answer was lost.
    await bucket.put(copyKey, body, { size: info.size, ifAbsent: true, signal });
    return "copied";
  } catch (error) {
    if (isStoreError(error, "PRECONDITION_FAILED")) return "renewed";
    if (isStoreError(error, "DIGEST_MISMATCH")) return "corrupt";
    throw error;
  }
}

/** Reads three clocks: the first stands still while a machine sleeps, the last may be set. */
function times(
  { bucket }: CheckedTier,
  { clock, date }: Pick<MoveOptions, "clock" | "date">,
): readonly number[] {
  return [clock.now(), bucket.serviceTime()?.getTime() ?? 0, date().getTime()];
}
