import { type Bucket, memoryBucket, StoreError, systemClock } from "@bitstore/core";
import type { StoreConfig } from "../store-config.ts";
import type { AzureLocation } from "../url/store-url.ts";
import { formatStoreLocation } from "../url/format-store-url.ts";
import type { OpenDependencies } from "./dependencies.ts";
import { importDriver } from "./import-driver.ts";
import { azureCredentials, gcsCredentials, s3Credentials } from "./driver-credentials.ts";
import { rootMemory } from "./root-memory.ts";

/** Connections that a driver opens at most where nothing more is asked for. */
const connectionsMaxDefault = 64;

export interface OpenBucketOptions {
  /**
   * The metadata of the config, below its prefix. It remembers that a directory was there: one that
   * has vanished since, such as a disk that is not mounted, is UNAVAILABLE and not made anew.
   */
  readonly metadata?: Bucket | undefined;
  /** False has the metadata asked only, for who leaves nothing behind; true if left out. */
  readonly remembers?: boolean | undefined;
}

/**
 * Opens the bucket that a store lies in, whole: the store's prefix is not taken off. No request is
 * made, so a bucket that is not there shows at its first use; but where a directory is not there, or
 * is blank, the metadata is asked for it.
 *
 * @throws UNSUPPORTED for a store that is no bucket; CONFIG_INVALID for what the driver refuses.
 */
export async function openBucket(
  store: StoreConfig,
  dependencies: OpenDependencies,
  { metadata, remembers = true }: OpenBucketOptions = {},
): Promise<Bucket> {
  const { location } = store;
  switch (location.kind) {
    case "memory":
      return memoryBucket();
    case "file": {
      const { fsBucket } = await importDriver(
        "@bitstore/bucket-fs",
        () => import("@bitstore/bucket-fs"),
      );
      const clock = dependencies.clock ?? systemClock;
      const url = formatStoreLocation(location);
      const memory = metadata && rootMemory(metadata, { url, clock, remembers });
      return await fsBucket({ root: location.directory, create: store.create === true, memory });
    }
    case "s3":
      return await openS3(location.bucket, store, dependencies);
    case "gs":
      return await openGcs(location.bucket, store, dependencies);
    case "az":
      return await openAzure(location, store, dependencies);
    case "http":
    case "bitstore":
      break;
  }
  throw new StoreError({
    code: "UNSUPPORTED",
    operation: "open",
    source: formatStoreLocation(location),
    message: "it is no bucket",
  });
}

async function openS3(
  bucket: string,
  store: StoreConfig,
  { env, clock, random }: OpenDependencies,
): Promise<Bucket> {
  const { s3Bucket } = await importDriver(
    "@bitstore/bucket-s3",
    () => import("@bitstore/bucket-s3"),
  );
  const { connection } = store;
  const { endpoint, region, pathStyle, anonymous, profile } = connection;
  const { partBytes, storageClass, requesterPays, serverSideEncryption, sseKmsKeyId } = connection;
  return s3Bucket({
    bucket,
    endpoint,
    region,
    pathStyle,
    anonymous,
    profile,
    partBytes,
    storageClass,
    requesterPays,
    serverSideEncryption,
    sseKmsKeyId,
    credentials: s3Credentials(store.credentials, env),
    connectionsMax: connectionsMax(store),
    environment: env,
    clock,
    random,
  });
}

async function openGcs(
  bucket: string,
  store: StoreConfig,
  { env, clock }: OpenDependencies,
): Promise<Bucket> {
  const { gcsBucket } = await importDriver(
    "@bitstore/bucket-gcs",
    () => import("@bitstore/bucket-gcs"),
  );
  const { endpoint, anonymous, partBytes, storageClass, userProject, kmsKeyName } =
    store.connection;
  return gcsBucket({
    bucket,
    endpoint,
    anonymous,
    partBytes,
    storageClass,
    userProject,
    kmsKeyName,
    credentials: gcsCredentials(store.credentials),
    connectionsMax: connectionsMax(store),
    environment: env,
    clock,
  });
}

async function openAzure(
  { container, service }: AzureLocation,
  store: StoreConfig,
  { env, clock }: OpenDependencies,
): Promise<Bucket> {
  const { azureBucket } = await importDriver(
    "@bitstore/bucket-azure",
    () => import("@bitstore/bucket-azure"),
  );
  const { endpoint, account, anonymous, partBytes, encryptionScope } = store.connection;
  return azureBucket({
    container,
    account,
    endpoint: service ?? endpoint,
    anonymous,
    partBytes,
    encryptionScope,
    credentials: await azureCredentials(store.credentials, env),
    connectionsMax: connectionsMax(store),
    environment: env,
    clock,
  });
}

/** Lets a store that is asked more at a time than a driver connects by default connect as much. */
function connectionsMax({ connection }: StoreConfig): number {
  return Math.max(connectionsMaxDefault, connection.concurrencyMax ?? 0);
}
