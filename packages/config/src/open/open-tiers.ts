import {
  type BlobStore,
  type Bucket,
  type Composite,
  composite,
  type CompositeOptions,
  createDisposal,
  defineTier,
  type HealthSource,
  isStoreError,
  measured,
  memoryCache,
  prefixed,
  publishAlarm,
  StoreError,
  type Tier,
  type TierHealth,
  type WeakDigests,
  weakDigests,
  withTimeout,
} from "@bitstore/core";
import type { DiskCache } from "@bitstore/cache-disk";
import type { BitstoreClient } from "@bitstore/client";
import type { SharedWriteBack, WriteBackLimits } from "@bitstore/write-back";
import type { BitstoreConfig, StoreConfig, TierConfig } from "../store-config.ts";
import { diskCacheBytesMax } from "../tiers/resolve-tiers.ts";
import { absentCache } from "./absent-cache.ts";
import { disposedOnce } from "./disposed-once.ts";
import { type OpenDependencies, sharedProofs } from "./dependencies.ts";
import { importDriver } from "./import-driver.ts";
import { openBucket } from "./open-bucket.ts";
import { openJournal } from "./open-journal.ts";
import { openRemote, withTokenOfOne } from "./open-remote.ts";
import { type OpenStore, openStore } from "./open-store.ts";

/** A config's tiers and metadata, open. Disposing it disposes them all. */
export interface OpenTiers extends AsyncDisposable {
  readonly tiers: readonly Tier[];
  /** The tiers that are caches on a disk, by name: what counts and prunes them. */
  readonly diskCaches: ReadonlyMap<string, DiskCache>;
  /** The folder or prefix of the tags, as a bucket of its own. */
  readonly metadata: Bucket | undefined;
  /** The other bitstore that keeps the tags, where the metadata is one; then it is no bucket. */
  readonly server: BitstoreClient | undefined;
  /** The origin without the layers that ask again, as a journal takes it. */
  readonly unrepeatedOrigin: BlobStore | undefined;
  /** Tells how each tier does, in their order; asking sends no request. */
  health(): readonly TierHealth[];
}

/** A config as one store. Disposing it waits for fills and disposes tiers and metadata. */
export interface OpenComposite extends Omit<OpenTiers, "tiers" | "unrepeatedOrigin"> {
  readonly store: Composite;
  /** What puts are acknowledged by, where the config says `ack: cache`. */
  readonly journal: SharedWriteBack | undefined;
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
  given: OpenDependencies,
): Promise<OpenTiers> {
  const proofs = given.proofs ?? sharedProofs();
  const dependencies = withTokenOfOne({ ...given, proofs }, config);
  await using opened = createDisposal();
  // Opened first, since it tells of directories whether they were there before.
  const isServer = config.metadata?.location.kind === "bitstore";
  const server =
    config.metadata === undefined || !isServer
      ? undefined
      : opened.add(await openRemote(config.metadata, dependencies));
  const metadata =
    config.metadata === undefined || isServer
      ? undefined
      : opened.add(disposedOnce(await openMetadata(config.metadata, dependencies)));
  const tiers: Tier[] = [];
  const diskCaches = new Map<string, DiskCache>();
  const healths: (() => TierHealth)[] = [];
  let unrepeatedOrigin: BlobStore | undefined;
  for (const tier of config.tiers) {
    const directory = diskCacheDirectory(tier);
    let source: BlobStore & HealthSource;
    if (directory === undefined) {
      const store = opened.add(disposedOnce(await openSource(tier, dependencies, metadata)));
      if (tier.origin) unrepeatedOrigin = store.unrepeated;
      source = store;
    } else {
      const cache = await openDiskCache(directory, tier, dependencies);
      if ("stats" in cache) diskCaches.set(tier.name, opened.add(cache));
      source = withHealth(withTimeout(cache, { clock: dependencies.clock }), dependencies);
    }
    const { name, role, origin } = tier;
    healths.push(() => ({ tier: name, role, origin, ...source.health() }));
    tiers.push(tierOf(tier, source));
  }
  const all = opened.move();
  return {
    tiers,
    diskCaches,
    metadata,
    server,
    unrepeatedOrigin,
    health: () => healths.map((health) => health()),
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

export interface OpenCompositeOptions extends Omit<CompositeOptions, "tiers" | "journal"> {
  /** Of the journal of `ack: cache`. */
  readonly journalLimits?: Partial<WriteBackLimits> | undefined;
}

/** Opens a config as one store, with what else the composite takes. */
export async function openComposite(
  config: BitstoreConfig,
  dependencies: OpenDependencies,
  { journalLimits, ...options }: OpenCompositeOptions = {},
): Promise<OpenComposite> {
  await using opened = createDisposal();
  const { tiers, diskCaches, metadata, server, health, unrepeatedOrigin } = opened.add(
    await openTiers(config, dependencies),
  );
  // Disposed before the tiers are, since its fills write into them.
  const records = metadata === undefined ? undefined : weakDigests(metadata);
  const { clock, random } = dependencies;
  const at = config.tiers.findIndex(({ origin }) => origin);
  const [tier, source] = [config.tiers[at], tiers[at]?.source];
  const isJournaled = tier !== undefined && source !== undefined && unrepeatedOrigin !== undefined;
  const journal =
    config.journal === undefined || !isJournaled
      ? undefined
      : opened.add(
          await openJournal(
            config.journal,
            { tier, source, unrepeated: unrepeatedOrigin },
            { clock: options.clock ?? clock, random, limits: journalLimits },
          ),
        );
  const whole = opened.add(composite({ clock, weakDigests: records, ...options, tiers, journal }));
  const store = withoutOrigin(whole, config.originCandidates);
  const all = opened.move();
  return {
    store,
    journal,
    diskCaches,
    metadata,
    server,
    health,
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

async function openSource(
  tier: TierConfig,
  dependencies: OpenDependencies,
  metadata: Bucket | undefined,
): Promise<OpenStore> {
  const { store, role, bytesMax, name, hedge, readOnly } = tier;
  if (role === "cache" && store.location.kind === "memory" && bytesMax !== undefined) {
    return withHealth(memoryCache({ bytesMax, name }), dependencies);
  }
  // What is read-only is not written by a read either, which else brings blobs back from the trash.
  const policy = { hedge, restores: !readOnly, metadata: readOnly ? undefined : metadata };
  return await openStore(store, dependencies, policy);
}

/** Lets a store in memory or on a disk be asked how it does, like one with all the layers. */
function withHealth(inner: BlobStore, { clock }: OpenDependencies): OpenStore {
  const store = measured(inner, { clock });
  return {
    ...store,
    unrepeated: store,
    health: () => ({
      source: inner.name,
      recent: store.recent(),
      breaker: undefined,
      limit: undefined,
      retries: undefined,
      hedges: undefined,
    }),
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** Names the directory of a tier that is a cache on a disk. */
function diskCacheDirectory({ role, store }: TierConfig): string | undefined {
  return role === "cache" && store.location.kind === "file" ? store.location.directory : undefined;
}

/** Opens a cache, or what stands for one that the disk keeps from being opened: reads do without. */
async function openDiskCache(
  directory: string,
  { bytesMax = diskCacheBytesMax, name }: TierConfig,
  { clock }: OpenDependencies,
): Promise<DiskCache | BlobStore> {
  const { diskCache } = await importDriver(
    "@bitstore/cache-disk",
    () => import("@bitstore/cache-disk"),
  );
  try {
    return disposedOnce(await diskCache({ directory, bytesMax, clock }));
  } catch (error) {
    // A directory of something else is a mistake in the config, and so are limits that are none.
    if (!isStoreError(error) || error.code === "CONFIG_INVALID") throw error;
    publishAlarm({ kind: "cache-unopened", subject: directory, source: name, error });
    return absentCache(name, error);
  }
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
