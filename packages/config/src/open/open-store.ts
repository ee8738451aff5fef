import {
  type BlobStore,
  bucketStore,
  flatLayout,
  type Layout,
  limited,
  shardedLayout,
  StoreError,
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

/** Requests of one cloud at a time where nothing is said; as many as a driver connects. */
const concurrencyMaxDefault = 64;

/** What a tier decides of its store, beside the store's own options. */
export interface StorePolicy {
  /** Sends a second request for the slowest reads. */
  readonly hedge?: boolean | undefined;
  /** Whether a read may bring a blob back from the trash of a garbage collector; true if left out. */
  readonly restores?: boolean | undefined;
}

/**
 * Opens a store of blobs. One that is reached over a network gets, in this order from the inside, an
 * end to every wait, a bound on what it is asked at a time that follows what it takes, a breaker, its
 * one owner of retries, and second requests for the slowest reads where the tier has them.
 *
 * @throws UNSUPPORTED for another bitstore, whose client is not there yet; CONFIG_INVALID for what
 * the driver refuses. No request is made.
 */
export async function openStore(
  store: StoreConfig,
  dependencies: OpenDependencies,
  policy: StorePolicy = {},
): Promise<BlobStore> {
  const { location } = store;
  if (location.kind === "bitstore") throw noClientYet(formatStoreLocation(location));
  const opened =
    location.kind === "http"
      ? await openApi(location.template, store, dependencies)
      : await openBlobs(store, dependencies, policy);
  return withPutAlgorithm(withLayers(opened, store, dependencies, policy), store);
}

/** The one place that says what another bitstore as a store still lacks. */
function noClientYet(source: string): StoreError {
  return new StoreError({
    code: "UNSUPPORTED",
    operation: "open",
    source,
    message: "another bitstore as a tier comes with the HTTP client, which this release lacks",
  });
}

async function openBlobs(
  store: StoreConfig,
  dependencies: OpenDependencies,
  { restores }: StorePolicy,
): Promise<BlobStore> {
  const bucket = await openBucket(store, dependencies);
  const name = formatStoreLocation(store.location);
  const { clock } = dependencies;
  const blobs = bucketStore(bucket, layoutOf(store), { name, restores, clock });
  const isMade = store.location.kind !== "file" || store.create === true;
  return isMade ? blobs : withDirectory(blobs, store, dependencies);
}

/**
 * Makes a store's directory before its first put. Until then one that is not there answers
 * UNAVAILABLE, so that a mistyped path is no empty store.
 */
function withDirectory(
  inner: BlobStore,
  store: StoreConfig,
  dependencies: OpenDependencies,
): BlobStore {
  let made: Promise<void> | undefined;
  async function make(): Promise<void> {
    await using bucket = await openBucket({ ...store, create: true }, dependencies);
    void bucket;
  }
  return {
    ...inner,
    async put(body, call) {
      made ??= make();
      try {
        await made;
      } catch (error) {
        made = undefined;
        throw error;
      }
      return await inner.put(body, call);
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
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
): BlobStore {
  const isLocal = location.kind === "file" || location.kind === "memory";
  const { timeoutMs, concurrencyMax } = connection;
  let store = inner;
  if (!isLocal || timeoutMs !== undefined) {
    const limits = timeoutMs === undefined ? {} : timeoutsOf(timeoutMs);
    store = withTimeout(store, { ...limits, clock });
  }
  // An HTTP API counts its requests itself, since it may have to count retries by the second too.
  const max = concurrencyMax ?? (isLocal ? undefined : concurrencyMaxDefault);
  if (max !== undefined && location.kind !== "http") {
    store = limited(store, { concurrencyMax: max, adaptive: !isLocal });
  }
  if (!isLocal) {
    store = withBreaker(store, { clock, random });
    store = withRetry(store, { clock, random });
  }
  return hedge ? withHedge(store, { clock }) : store;
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
function withPutAlgorithm(inner: BlobStore, { connection }: StoreConfig): BlobStore {
  const { algorithm } = connection;
  if (algorithm === undefined) return inner;
  return {
    ...inner,
    put: (body, call = {}) =>
      inner.put(
        body,
        call.digest === undefined && call.algorithm === undefined ? { ...call, algorithm } : call,
      ),
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}
