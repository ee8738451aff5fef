import {
  type Algorithm,
  type BlobPutOptions,
  type BlobStore,
  type Bucket,
  bucketStore,
  flatLayout,
  type HealthSource,
  type Layout,
  limited,
  measured,
  shardedLayout,
  timeoutsDefault,
  withBreaker,
  withHedge,
  withRetry,
  withTimeout,
} from "@bitstore/core";
import type { StoreConfig } from "../store-config.ts";
import { formatStoreLocation } from "../url/format-store-url.ts";
import type { OpenDependencies } from "./dependencies.ts";
import { importDriver } from "./import-driver.ts";
import { openBucket } from "./open-bucket.ts";
import { openRemote } from "./open-remote.ts";

/** Requests of one cloud at a time where nothing is said; as many as a driver connects. */
const concurrencyMaxDefault = 64;

/** What a tier decides of its store, beside the store's own options. */
export interface StorePolicy {
  /** Sends a second request for the slowest reads. */
  readonly hedge?: boolean | undefined;
  /** Whether a read may bring a blob back from the trash of a garbage collector; true if left out. */
  readonly restores?: boolean | undefined;
  /** Remembers that the store's directory was there, where it is one: see `openBucket`. */
  readonly metadata?: Bucket | undefined;
}

/** A store that can be asked how it does, whatever layers it has. */
export interface OpenStore extends BlobStore, HealthSource {
  /** The same without the layers that ask again, for who does that itself; disposed with it. */
  readonly unrepeated: BlobStore;
}

/**
 * Opens a store of blobs. One that is reached over a network gets, in this order from the inside, an
 * end to every wait, a bound on what it is asked at a time that follows what it takes, a breaker, its
 * one owner of retries, and second requests for the slowest reads where the tier has them.
 *
 * @throws CONFIG_INVALID for what the driver refuses, UNSUPPORTED where it is not installed. No request
 * is made, but as `openBucket` says.
 */
export async function openStore(
  store: StoreConfig,
  dependencies: OpenDependencies,
  policy: StorePolicy = {},
): Promise<OpenStore> {
  const { location } = store;
  const opened =
    location.kind === "http"
      ? await openApi(location.template, store, dependencies)
      : location.kind === "bitstore"
        ? await openServer(store, dependencies)
        : await openBlobs(store, dependencies, policy);
  return withPutAlgorithm(withLayers(opened, store, dependencies, policy), store);
}

/** Opens another bitstore's blobs. The layers here repeat what failed, so the client does not. */
async function openServer(store: StoreConfig, dependencies: OpenDependencies): Promise<BlobStore> {
  const client = await openRemote(store, dependencies, 1);
  return { ...client.store, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

async function openBlobs(
  store: StoreConfig,
  dependencies: OpenDependencies,
  { restores, metadata }: StorePolicy,
): Promise<BlobStore> {
  const bucket = await openBucket(store, dependencies, { metadata });
  const name = formatStoreLocation(store.location);
  const { clock } = dependencies;
  return bucketStore(bucket, layoutOf(store), { name, restores, clock });
}

function layoutOf({ location, connection }: StoreConfig): Layout {
  const prefix = "prefix" in location ? location.prefix : "";
  const { layout, algorithm } = connection;
  if (layout === "flat" && algorithm !== undefined) return flatLayout(prefix, algorithm);
  return shardedLayout(prefix);
}

async function openApi(
  url: string,
  { connection }: StoreConfig,
  { env, clock }: OpenDependencies,
): Promise<BlobStore> {
  const { httpSource } = await importDriver(
    "@bitstore/source-http",
    () => import("@bitstore/source-http"),
  );
  const { algorithm, headers, head, rangeRead, put, timeoutMs } = connection;
  const { concurrencyMax, requestsPerSecondMax } = connection;
  return httpSource({
    url,
    algorithm,
    headers,
    head,
    rangeRead,
    put,
    concurrencyMax,
    requestsPerSecondMax,
    headersTimeoutMs: timeoutMs,
    bodyIdleMs: timeoutMs,
    environment: { ...env },
    clock,
  });
}

function withLayers(
  inner: BlobStore,
  { location, connection }: StoreConfig,
  { clock, random }: OpenDependencies,
  { hedge = false }: StorePolicy,
): OpenStore {
  const isLocal = location.kind === "file" || location.kind === "memory";
  const { timeoutMs, concurrencyMax } = connection;
  let store = inner;
  // A disk may hang as well, one on a network above all.
  if (location.kind !== "memory" || timeoutMs !== undefined) {
    const limits = timeoutMs === undefined ? {} : timeoutsOf(timeoutMs);
    store = withTimeout(store, { ...limits, clock });
  }
  const watched = measured(store, { clock });
  store = watched;
  // An HTTP API counts its requests itself, since it may have to count retries by the second too.
  const max = concurrencyMax ?? (isLocal ? undefined : concurrencyMaxDefault);
  const isCounted = max !== undefined && location.kind !== "http";
  const bounded = isCounted
    ? limited(store, { concurrencyMax: max, adaptive: !isLocal, clock })
    : undefined;
  store = bounded ?? store;
  const guarded = isLocal ? undefined : withBreaker(store, { clock, random });
  const repeated = guarded === undefined ? undefined : withRetry(guarded, { clock, random });
  store = repeated ?? store;
  const hedged = hedge ? withHedge(store, { clock }) : undefined;
  return {
    ...(hedged ?? store),
    unrepeated: guarded ?? bounded ?? watched,
    health: () => ({
      source: inner.name,
      recent: watched.recent(),
      breaker: guarded?.breaker(),
      limit: bounded?.limit(),
      retries: repeated?.retryBudget(),
      hedges: hedged?.hedges(),
    }),
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** A put may be acknowledged late, once its parts are joined: its limit is the default at least. */
function timeoutsOf(timeoutMs: number): {
  firstByteMs: number;
  stallMs: number;
  putStallMs: number;
} {
  const putStallMs = Math.max(timeoutMs, timeoutsDefault.putStallMs);
  return { firstByteMs: timeoutMs, stallMs: timeoutMs, putStallMs };
}

/** Lets a put that names no algorithm take the store's own, where one is said. */
function withPutAlgorithm(inner: OpenStore, { connection }: StoreConfig): OpenStore {
  const { algorithm } = connection;
  if (algorithm === undefined) return inner;
  return {
    ...inner,
    put: (body, call = {}) => inner.put(body, namedBy(call, algorithm)),
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** Names an algorithm in a put that names none. */
export function namedBy(call: BlobPutOptions, algorithm: Algorithm | undefined): BlobPutOptions {
  const isNamed = call.digest !== undefined || call.algorithm !== undefined;
  return isNamed || algorithm === undefined ? call : { ...call, algorithm };
}
