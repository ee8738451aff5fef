import { openStore, type TierConfig } from "@bitstore/config";
import {
  type Bucket,
  type Composite,
  composite,
  defineTier,
  type Disposal,
  StoreError,
} from "@bitstore/core";
import type { GcTier } from "@bitstore/gc";
import { badUsage } from "../frame/hinted.ts";
import type { Io } from "../frame/io.ts";
import { hurriedClock } from "../store/hurried-clock.ts";
import { isBucket, openStoreBucket } from "../store/tier-bucket.ts";

/**
 * Chooses the tiers that are collected: those that may be written and lie in a bucket, or some of them
 * by name. A cache on a disk is left out, as it makes room for itself.
 *
 * @throws INVALID_ARGUMENT for a name that is none, or of a tier that may not be collected;
 * CONFIG_INVALID where none may.
 */
export function chooseTiers(
  tiers: readonly TierConfig[],
  names: readonly string[],
): readonly TierConfig[] {
  for (const name of names) {
    const tier = tiers.find((each) => each.name === name);
    if (tier === undefined) {
      const known = tiers.map((each) => each.name).join(", ");
      throw badUsage(`no tier is named ${JSON.stringify(name)}`, `they are ${known}`);
    }
    const problem = problemOf(tier);
    if (problem !== undefined) {
      const hint = "gc touches the origin, caches in buckets, and what says readOnly=false";
      throw badUsage(`${name} is not collected: ${problem}`, hint);
    }
  }
  const chosen = tiers.filter((tier) =>
    names.length === 0 ? problemOf(tier) === undefined : names.includes(tier.name),
  );
  if (chosen.length > 0) return chosen;
  throw new StoreError({
    code: "CONFIG_INVALID",
    operation: "gc",
    message: "no tier may be collected; say origin=true or readOnly=false of one in a bucket",
  });
}

function problemOf({ readOnly, role, store }: TierConfig): string | undefined {
  if (readOnly) return "it is read-only";
  if (store.location.kind === "memory") return "it is memory, which ends with the process";
  if (role === "cache" && store.location.kind === "file") {
    return "it is a cache on a disk, which makes room for itself";
  }
  return isBucket(store) ? undefined : "it is no bucket";
}

/** Opens the buckets of tiers, bare: a collector settles its requests itself. */
export async function openGcTiers(
  tiers: readonly TierConfig[],
  { io, metadata }: { io: Io; metadata: Bucket },
  opened: Disposal,
): Promise<readonly GcTier[]> {
  const found: GcTier[] = [];
  for (const { name, store } of tiers) {
    const { bucket, layout } = await openStoreBucket(store, io, metadata);
    found.push({ name, bucket: opened.add(bucket), layout });
  }
  return found;
}

interface CollectionsOptions {
  readonly io: Io;
  readonly signal: AbortSignal;
  readonly mayWrite: boolean;
  readonly metadata: Bucket;
}

/**
 * Opens what collections are read from: the buckets that are no caches, so that nothing is filled;
 * where nothing may be written, nothing is brought back from the trash either.
 */
export async function openCollections(
  tiers: readonly TierConfig[],
  { io, signal, mayWrite, metadata }: CollectionsOptions,
  opened: Disposal,
): Promise<Composite> {
  const sources = tiers.filter(({ role, store }) => role === "source" && isBucket(store));
  const open = await Promise.all(
    sources.map(async ({ name, store, readOnly }) => {
      const restores = mayWrite && !readOnly;
      const policy = { restores, metadata: readOnly ? undefined : metadata };
      const source = opened.add(await openStore(store, { env: io.env }, policy));
      return defineTier({ name, source, readOnly: true });
    }),
  );
  const clock = hurriedClock(signal);
  return opened.add(composite({ tiers: open, name: "collections", clock }));
}
