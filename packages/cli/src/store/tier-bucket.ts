import { openBucket, type OpenBucketOptions, type StoreConfig } from "@bitstore/config";
import { type Bucket, flatLayout, type Layout, prefixed, shardedLayout } from "@bitstore/core";
import type { Io } from "../frame/io.ts";

/** A bucket that a store lies in, and where in it. */
export interface StoreBucket {
  /** As it is, without layers: nothing asks it again or verifies. */
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/** Tells whether a store lies in a bucket; an API and another bitstore don't. */
export function isBucket({ location }: StoreConfig): boolean {
  return location.kind !== "http" && location.kind !== "bitstore";
}

/** Opens the bucket of a store, whole, as `openBucket` does; `metadata` remembers its directory. */
export async function openStoreBucket(
  store: StoreConfig,
  { env }: Io,
  metadata: Bucket,
): Promise<StoreBucket> {
  const { layout, algorithm } = store.connection;
  const prefix = prefixOf(store);
  const isFlat = layout === "flat" && algorithm !== undefined;
  return {
    bucket: await openBucket(store, { env }, { metadata }),
    layout: isFlat ? flatLayout(prefix, algorithm) : shardedLayout(prefix),
  };
}

/** Opens what is below the prefix of a store as a bucket of its own. */
export async function openStoreFolder(
  store: StoreConfig,
  { env }: Io,
  options: OpenBucketOptions = {},
): Promise<Bucket> {
  const bucket = await openBucket(store, { env }, options);
  const prefix = prefixOf(store);
  return prefix === "" ? bucket : prefixed(bucket, prefix);
}

function prefixOf({ location }: StoreConfig): string {
  return "prefix" in location ? location.prefix : "";
}
