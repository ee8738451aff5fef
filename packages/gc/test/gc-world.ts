import {
  type BlobStore,
  type Bucket,
  bucketStore,
  type Digest,
  type Layout,
  memoryBucket,
  shardedLayout,
  type TagLog,
  type Clock,
} from "@bitstore/core";
import { type Pins, pins, placeOf, tagLog, trustTargets } from "@bitstore/tags";
import { beforeEach } from "vitest";
import {
  collectGarbage,
  enableGc,
  type GcFate,
  type GcOptions,
  type GcReport,
  metadataIdOf,
  metadataRoots,
} from "../src/index.ts";

export const hourMs: number = 60 * 60_000;
export const dayMs: number = 24 * hourMs;
export const layout: Layout = shardedLayout("blobs/");

export let nowMs = 0;
export let bucket: Bucket;
export let metadata: Bucket;
export let store: BlobStore;
export let tags: TagLog;
export let pinned: Pins;
/** The wall clock of the buckets and of the runs. */
export const date = (): Date => new Date(nowMs);
export const clock: Clock = { now: () => nowMs, after: () => () => undefined };

/** Fires timers at once where they are pauses between two tries; requests have no limit. */
export function pauseOfNoLength(delayMs: number, callback: () => void): () => void {
  if (delayMs < 1000) setImmediate(callback);
  return () => undefined;
}

export async function put(text: string): Promise<Digest> {
  return (await store.put(new TextEncoder().encode(text))).digest;
}

export async function run(more: Partial<GcOptions> = {}): Promise<GcReport> {
  return await collectGarbage({
    tiers: [{ name: "ours", bucket, layout }],
    metadata,
    metadataId: await metadataIdOf(metadata),
    roots: metadataRoots(metadata),
    blobs: store,
    dryRun: false,
    clock,
    date,
    ...more,
  });
}

export const fatesOf = (report: GcReport): Partial<Record<GcFate, number>> =>
  Object.fromEntries(
    Object.entries(report.tiers[0]?.fates ?? {}).flatMap(([fate, { count }]) =>
      count > 0 ? [[fate, count]] : [],
    ),
  );

export async function snapshot(of: Bucket): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for await (const { key, version } of of.list("")) found[key] = version;
  return found;
}

export const isLive = async (digest: Digest): Promise<boolean> =>
  (await bucket.head(layout.key(digest))) !== undefined;

/** Makes the world anew before each test: a tier that may be collected, with a tag and its target. */
export function anewBeforeEach(): void {
  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 1);
    bucket = memoryBucket("blobs", date);
    metadata = memoryBucket("metadata", date);
    store = bucketStore(bucket, layout, { clock });
    tags = tagLog(metadata, { checkTarget: trustTargets });
    pinned = pins(metadata, { checkTarget: trustTargets });
    await tags.append("first", await put("first"));
    await enableGc(bucket, layout, {
      metadataId: await metadataIdOf(metadata),
      metadataPlace: placeOf(metadata),
      graceMs: dayMs,
    });
    nowMs += hourMs;
  });
}

/** Lets time pass. */
export function pass(ms: number): void {
  nowMs += ms;
}
