import {
  type BlobStore,
  type Bucket,
  type Composite,
  composite,
  type CompositeOptions,
  createDisposal,
  defineTier,
  memoryCache,
  prefixed,
  StoreError,
  type Tier,
  type WeakDigests,
  weakDigests,
} from "@bitstore/core";
import type { DiskCache } from "@bitstore/cache-disk";
import type { BitstoreConfig, StoreConfig, TierConfig } from "../store-config.ts";
import { diskCacheBytesMax } from "../tiers/resolve-tiers.ts";
import { disposedOnce } from "./disposed-once.ts";
import type { OpenDependencies } from "./dependencies.ts";
import { importDriver } from "./import-driver.ts";
import { openBucket } from "./open-bucket.ts";
import { openStore } from "./open-store.ts";

/** A config's tiers and metadata, open. Disposing it disposes them all. */
export interface OpenTiers extends AsyncDisposable {
  readonly tiers: readonly Tier[];
  /** The tiers that are caches on a disk, by name: what counts and prunes them. */
  readonly diskCaches: ReadonlyMap<string, DiskCache>;
  /** The folder or prefix of the tags, as a bucket of its own. */
  readonly metadata: Bucket | undefined;
}

/** A config as one store. Disposing it waits for fills and disposes tiers and metadata. */
export interface OpenComposite extends Omit<OpenTiers, "tiers"> {
  readonly store: Composite;
  /** What weak digests named first, kept in the metadata; of nothing where there is no metadata. */
  readonly weakDigests: WeakDigests | undefined;
}

/**
 * Opens the tiers of a config, and the metadata where there is some. Only the drivers that are in
 * use are loaded. No request is made but by a disk cache, which opens its index.
 *
 * Rejects with what the first store that can't be opened says; then those that were are closed.
 */
export async function openTiers(
  config: BitstoreConfig,
  dependencies: OpenDependencies,
): Promise<OpenTiers> {
  await using opened = createDisposal();
  const tiers: Tier[] = [];
  const diskCaches = new Map<string, DiskCache>();
  for (const tier of config.tiers) {
    const directory = diskCacheDirectory(tier);
    let source: BlobStore;
    if (directory === undefined) {
      source = opened.add(disposedOnce(await openSource(tier, dependencies)));
    } else {
      const cache = opened.add(disposedOnce(await openDiskCache(directory, tier, dependencies)));
      diskCaches.set(tier.name, cache);
      source = cache;
    }
    tiers.push(tierOf(tier, source));
  }
  const metadata =
    config.metadata === undefined
      ? undefined
      : opened.add(disposedOnce(await openMetadata(config.metadata, dependencies)));
  const all = opened.move();
  return { tiers, diskCaches, metadata, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

/** Opens a config as one store, with what else the composite takes. */
export async function openComposite(
  config: BitstoreConfig,
  dependencies: OpenDependencies,
  options: Omit<CompositeOptions, "tiers"> = {},
): Promise<OpenComposite> {
  await using opened = createDisposal();
  const { tiers, diskCaches, metadata } = opened.add(await openTiers(config, dependencies));
  // Disposed before the tiers are, since its fills write into them.
  const records = metadata === undefined ? undefined : weakDigests(metadata);
  const clock = dependencies.clock;
  const whole = opened.add(composite({ clock, weakDigests: records, ...options, tiers }));
  const store = withoutOrigin(whole, config.originCandidates);
  const all = opened.move();
  return {
    store,
    diskCaches,
    metadata,
    weakDigests: records,
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

/** Lets nothing be written where several tiers could be the origin and none was chosen. */
function withoutOrigin(inner: Composite, candidates: readonly string[]): Composite {
  if (candidates.length === 0) return inner;
  const refuse = (operation: string): StoreError =>
    new StoreError({
      code: "CONFIG_INVALID",
      operation,
      source: inner.name,
      message: `${candidates.join(", ")} could each be the origin; say origin=true of one`,
    });
  return {
    ...inner,
    put: () => Promise.reject(refuse("put")),
    delete: () => Promise.reject(refuse("delete")),
    durable: () => Promise.reject(refuse("stat")),
  };
}

async function openSource(tier: TierConfig, dependencies: OpenDependencies): Promise<BlobStore> {
  const { store, role, bytesMax, name, hedge, readOnly } = tier;
  if (role === "cache" && store.location.kind === "memory" && bytesMax !== undefined) {
    return memoryCache({ bytesMax, name });
  }
  // What is read-only is not written by a read either, which else brings blobs back from the trash.
  return await openStore(store, dependencies, { hedge, restores: !readOnly });
}

/** Names the directory of a tier that is a cache on a disk. */
function diskCacheDirectory({ role, store }: TierConfig): string | undefined {
  return role === "cache" && store.location.kind === "file" ? store.location.directory : undefined;
}

async function openDiskCache(
  directory: string,
  { bytesMax = diskCacheBytesMax }: TierConfig,
  { clock }: OpenDependencies,
): Promise<DiskCache> {
  const { diskCache } = await importDriver(
    "@bitstore/cache-disk",
    () => import("@bitstore/cache-disk"),
  );
  return await diskCache({ directory, bytesMax, clock });
}

/** Opens the store of the metadata as a bucket, below its prefix. */
async function openMetadata(store: StoreConfig, dependencies: OpenDependencies): Promise<Bucket> {
  const bucket = await openBucket(store, dependencies);
  const prefix = "prefix" in store.location ? store.location.prefix : "";
  return prefix === "" ? bucket : prefixed(bucket, prefix);
}

function tierOf(tier: TierConfig, source: BlobStore): Tier {
  const { name, role, origin, readOnly, heal, fill, onFailure, forbiddenMeans } = tier;
  const { canary, price, negativeTtlMs } = tier;
  return defineTier({
    name,
    source,
    role,
    origin,
    readOnly,
    heal,
    fill,
    onFailure,
    forbiddenMeans,
    canary,
    price,
    negativeTtlMs,
  });
}
