import { type Clock, StoreError } from "@bitstore/core";

/**
 * One way to be known to the service: Application Default Credentials (`default`), no credentials
 * (`anonymous`), a key file in JSON, or the parsed JSON of such a file (a service account's key, an
 * authorized user, an external account). A key's content decides which hosts the tokens are asked
 * from, so it must come from a trusted place.
 */
export type GcsCredential =
  | "default"
  | "anonymous"
  | { readonly keyFile: string }
  | { readonly key: Readonly<Record<string, unknown>> };

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GcsBucketOptions {
  readonly bucket: string;
  /**
   * URL of the service, such as `https://storage.example.com`. Left out: `STORAGE_EMULATOR_HOST`
   * where it is set, else Google's own.
   */
  readonly endpoint?: string | undefined;
  /** Project that the credentials are used for; rarely needed, a bucket's name is global. */
  readonly projectId?: string | undefined;
  /** Sends no credentials: short for `credentials: ["anonymous"]`. */
  readonly anonymous?: boolean | undefined;
  /**
   * Tried in order: one that can't be loaded, or that the service refuses with 401, passes on to
   * the next. Left out: `default` for Google's own endpoints and `anonymous` for any other, so that
   * a foreign endpoint is not sent the machine's credentials by accident. The emulator that
   * `STORAGE_EMULATOR_HOST` names is never sent any.
   */
  readonly credentials?: readonly GcsCredential[] | undefined;
  /** Bytes of a part: smaller bodies go in one request. A multiple of 256 KiB; default 8 MiB. */
  readonly partBytes?: number | undefined;
  /** Project that pays for the requests, for a bucket whose requester pays. */
  readonly userProject?: string | undefined;
  /** Cloud KMS key that new objects are encrypted with. Excludes `encryptionKey`. */
  readonly kmsKeyName?: string | undefined;
  /** Customer-supplied AES-256 key in base64, for writes and reads. */
  readonly encryptionKey?: string | undefined;
  /** Storage class of new objects; left out, the bucket's own. */
  readonly storageClass?: string | undefined;
  /** Objects a page of a list, 1 to 1,000; default 1,000, the most that the service gives. */
  readonly listPageSize?: number | undefined;
  /** Connections at a time; more calls wait for one. An open read holds one. Default 64. */
  readonly connectionsMax?: number | undefined;
  /** Where the emulator and proxies are looked up; default the process's environment. */
  readonly environment?: Environment | undefined;
  readonly clock?: Clock | undefined;
}

/** The service persists the parts of an upload in multiples of this. */
export const partBytesUnit: number = 256 * 1024;

const partBytesDefault = 8 * 1024 * 1024;

/** The options that shape requests, checked and with their defaults. */
export interface GcsSettings {
  readonly bucket: string;
  /** `gs://bucket`. */
  readonly name: string;
  readonly partBytes: number;
  readonly listPageSize: number;
  readonly connectionsMax: number;
  readonly userProject: string | undefined;
  readonly kmsKeyName: string | undefined;
  readonly encryptionKey: Uint8Array | undefined;
  readonly storageClass: string | undefined;
}

/** Checks the options; a mistake is CONFIG_INVALID and never quotes a secret. */
export function parseOptions(options: GcsBucketOptions): GcsSettings {
  const { partBytes = partBytesDefault, listPageSize = 1000, connectionsMax = 64 } = options;
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(options.bucket)) {
    throw invalid("bucket", "is no bucket name: letters, digits, dot, dash and underscore only");
  }
  if (!isWithin(partBytes, partBytesUnit, 2 ** 30) || partBytes % partBytesUnit !== 0) {
    throw invalid("partBytes", "must be a multiple of 262144, at most 1 GiB");
  }
  if (!isWithin(listPageSize, 1, 1000)) throw invalid("listPageSize", "must be 1 to 1000");
  if (!isWithin(connectionsMax, 1, 10_000)) throw invalid("connectionsMax", "must be 1 to 10000");
  if (options.kmsKeyName !== undefined && options.encryptionKey !== undefined) {
    throw invalid("kmsKeyName", "and encryptionKey exclude each other");
  }
  if (options.credentials?.length === 0) {
    throw invalid("credentials", 'is empty: leave it out, or say ["anonymous"]');
  }
  return {
    bucket: options.bucket,
    name: `gs://${options.bucket}`,
    partBytes,
    listPageSize,
    connectionsMax,
    userProject: options.userProject,
    kmsKeyName: options.kmsKeyName,
    encryptionKey: parseKey(options.encryptionKey),
    storageClass: options.storageClass,
  };
}

/** Makes the error of an option that can't be used. */
export function invalid(option: string, message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "gcsBucket",
    message: `${option} ${message}`,
  });
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

function parseKey(base64: string | undefined): Uint8Array | undefined {
  if (base64 === undefined) return undefined;
  const key = Buffer.from(base64, "base64");
  if (key.byteLength !== 32) throw invalid("encryptionKey", "must be 32 bytes in base64");
  return key;
}
