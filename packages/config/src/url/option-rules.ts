import { algorithms } from "@bitstore/core";
import type { Parsed } from "../result.ts";
import {
  concurrencyMaxMax,
  readAccount,
  readBytesMax,
  readCount,
  readDigest,
  readEndpoint,
  readFill,
  readFlag,
  readOneOf,
  readPartBytes,
  readPrice,
  readProfile,
  readRegion,
  readTierName,
  readWord,
  timeoutMsMax,
} from "./option-values.ts";
import type { StoreKind, StoreOptions } from "./store-url.ts";

/** How an option is read from text, and which stores know it. */
export interface OptionRule<T> {
  readonly kinds: readonly StoreKind[];
  readonly read: (text: string) => Parsed<T>;
}

/** Options that are one value each; headers are many, so they are read apart. */
export type PlainOptions = Omit<StoreOptions, "headers">;
export type OptionName = keyof PlainOptions;

const every: readonly StoreKind[] = ["s3", "gs", "az", "file", "memory", "http", "bitstore"];
const clouds: readonly StoreKind[] = ["s3", "gs", "az"];
const buckets: readonly StoreKind[] = ["s3", "gs", "az", "file", "memory"];

/** The one table of options: URL queries and the config file are read by it. */
export const optionRules: {
  readonly [K in OptionName]-?: OptionRule<NonNullable<PlainOptions[K]>>;
} = {
  name: { kinds: every, read: readTierName },
  role: { kinds: every, read: readOneOf(["source", "cache"]) },
  origin: { kinds: every, read: readFlag },
  readOnly: { kinds: every, read: readFlag },
  heal: { kinds: every, read: readFlag },
  hedge: { kinds: every, read: readFlag },
  price: { kinds: every, read: readPrice },
  fill: { kinds: every, read: readFill },
  onFailure: { kinds: every, read: readOneOf(["next", "stop"]) },
  forbiddenMeans: { kinds: [...clouds, "http"], read: readOneOf(["denied", "miss"]) },
  canary: { kinds: [...clouds, "http"], read: readDigest },
  negativeTtlMs: { kinds: every, read: readCount(0, timeoutMsMax, "milliseconds") },
  timeoutMs: { kinds: every, read: readCount(1, timeoutMsMax, "milliseconds") },
  concurrencyMax: { kinds: every, read: readCount(1, concurrencyMaxMax, "a number") },
  requestsPerSecondMax: { kinds: ["http"], read: readCount(1, 1_000_000, "a number") },
  bytesMax: { kinds: ["file", "memory"], read: readBytesMax },
  layout: { kinds: buckets, read: readOneOf(["flat", "sharded"]) },
  algorithm: { kinds: [...buckets, "http"], read: readOneOf(algorithms) },
  endpoint: { kinds: clouds, read: readEndpoint },
  region: { kinds: ["s3"], read: readRegion },
  pathStyle: { kinds: ["s3"], read: readFlag },
  anonymous: { kinds: clouds, read: readFlag },
  profile: { kinds: ["s3"], read: readProfile },
  account: { kinds: ["az"], read: readAccount },
  partBytes: { kinds: clouds, read: readPartBytes },
  storageClass: { kinds: ["s3", "gs"], read: readWord },
  requesterPays: { kinds: ["s3"], read: readFlag },
  userProject: { kinds: ["gs"], read: readWord },
  serverSideEncryption: { kinds: ["s3"], read: readOneOf(["AES256", "aws:kms", "aws:kms:dsse"]) },
  sseKmsKeyId: { kinds: ["s3"], read: readWord },
  kmsKeyName: { kinds: ["gs"], read: readWord },
  encryptionScope: { kinds: ["az"], read: readWord },
  head: { kinds: ["http"], read: readFlag },
  rangeRead: { kinds: ["http"], read: readFlag },
  put: { kinds: ["http"], read: readFlag },
};

export const optionNames: readonly OptionName[] = Object.keys(optionRules) as OptionName[];

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(optionRules, name);
}

/** Stores that send headers of the user's own. */
export const headerKinds: readonly StoreKind[] = ["http", "bitstore"];

/** Names each kind as it is written in a URL. */
export const kindSchemes: Readonly<Record<StoreKind, string>> = {
  s3: "s3:",
  gs: "gs:",
  az: "az:",
  file: "file:",
  memory: "memory:",
  http: "https:",
  bitstore: "bitstore+https:",
};
