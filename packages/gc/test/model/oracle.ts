import { type Bucket, type Digest, trashPrefixOf } from "@bitstore/core";
import type { Scheduler } from "../../../conformance/src/sim/scheduler.ts";
import { graceMs, layout, type ModelBlob, short } from "./blobs.ts";

/** What must hold, told by what was acknowledged. */
export interface Oracle {
  /** When each blob was last acknowledged by a put; none since its last deletion began. */
  readonly putAtMs: Map<Digest, number>;
  /** Until when a deletion of each blob was under way. */
  readonly deletedUntilMs: Map<Digest, number>;
  /** Counts a tag, pin or lease that names a blob, from its acknowledgement on; -1 takes it away. */
  name(digest: Digest, by: 1 | -1): void;
  isNamed(digest: Digest): boolean;
  mustBeReadable(digest: Digest): boolean;
  /** Names the reason why a blob must be readable now; two that are equal mean: all the time. */
  readableSince(digest: Digest): string | undefined;
}

export function openOracle(sim: Scheduler): Oracle {
  const putAtMs = new Map<Digest, number>();
  const names = new Map<Digest, number>();
  const isNamed = (digest: Digest): boolean => (names.get(digest) ?? 0) > 0;
  const mustBeReadable = (digest: Digest): boolean => {
    if (isNamed(digest)) return true;
    const atMs = putAtMs.get(digest);
    return atMs !== undefined && sim.timeMs - atMs < graceMs;
  };
  return {
    putAtMs,
    deletedUntilMs: new Map(),
    name: (digest, by) => void names.set(digest, (names.get(digest) ?? 0) + by),
    isNamed,
    mustBeReadable,
    readableSince(digest) {
      if (!mustBeReadable(digest)) return undefined;
      return isNamed(digest) ? `named ${names.get(digest)}` : `put ${putAtMs.get(digest)}`;
    },
  };
}

/**
 * Looks after each deletion whether all that must be readable is there, in its place or in the trash.
 */
export function watchedBucket(
  inner: Bucket,
  blobs: readonly ModelBlob[],
  oracle: Oracle,
  violate: (what: string) => void,
): Bucket {
  return {
    ...inner,
    async delete(key, options) {
      const was = await inner.delete(key, options);
      for (const { digest } of blobs) {
        if (oracle.mustBeReadable(digest) && !(await isSomewhere(inner, digest))) {
          violate(`${short(digest)} is lost by the deletion of ${key}`);
        }
      }
      return was;
    },
  };
}

async function isSomewhere(inner: Bucket, digest: Digest): Promise<boolean> {
  if ((await inner.head(layout.key(digest))) !== undefined) return true;
  for await (const _ of inner.list(trashPrefixOf(layout, digest))) return true;
  return false;
}
