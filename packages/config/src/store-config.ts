import type { Digest, Price, Role } from "@bitstore/core";
import type { ConnectionOptions, StoreLocation } from "./url/store-url.ts";

/**
 * One way to sign requests. A secret is written as `env:NAME` or `file:PATH` and read when the store
 * is opened, or was expanded from the environment and stands here itself: print none of it.
 */
export type Credentials =
  /** The SDK's own chain: environment, shared files, metadata service. */
  | { readonly kind: "default" }
  | { readonly kind: "anonymous" }
  | { readonly kind: "profile"; readonly profile: string }
  | {
      readonly kind: "keys";
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    }
  | { readonly kind: "keyFile"; readonly keyFile: string }
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | { readonly kind: "sharedKey"; readonly accountName: string; readonly accountKey: string }
  | { readonly kind: "sas"; readonly sas: string };

/** A store that can be opened: a tier's, or that of the metadata. */
export interface StoreConfig {
  readonly location: StoreLocation;
  readonly connection: ConnectionOptions;
  /** Tried in this order; none: the default chain alone. */
  readonly credentials: readonly Credentials[];
  /** Makes a directory at once. Elsewhere one that is not there may be mistyped: a put makes it. */
  readonly create?: boolean;
}

/** A tier with everything decided. */
export interface TierConfig {
  /** Unique in its config. */
  readonly name: string;
  readonly store: StoreConfig;
  readonly role: Role;
  /** Puts go here. At most one tier is it; none, where several could be and none was chosen. */
  readonly origin: boolean;
  readonly readOnly: boolean;
  readonly heal: boolean;
  readonly hedge: boolean;
  /** Names of cache tiers before this one, the nearest first. */
  readonly fill: readonly string[];
  readonly onFailure: "next" | "stop";
  readonly forbiddenMeans: "denied" | "miss";
  readonly canary: Digest | undefined;
  /** Undefined: the composite's default. */
  readonly negativeTtlMs: number | undefined;
  readonly price: Price | undefined;
  /** Bytes that a cache in memory or on a disk may hold; undefined elsewhere. */
  readonly bytesMax: number | undefined;
}

/** Where puts are acknowledged, where the config says `ack: cache`. */
export interface JournalConfig {
  /** Absolute. */
  readonly directory: string;
  /** Bytes of all blobs that wait for their upload. */
  readonly bytesMax: number;
  /** Bytes of the largest blob that is journaled; larger ones go to the origin. */
  readonly entryBytesMax: number;
  /** Uploads at a time. */
  readonly concurrencyMax: number;
}

/** What `loadConfig` resolves to. */
export interface BitstoreConfig {
  /** Absolute path of the file that was read, if any. */
  readonly file: string | undefined;
  /** Asked in this order. */
  readonly tiers: readonly TierConfig[];
  /** Names of the tiers that could be the origin, where there are several and none was chosen. */
  readonly originCandidates: readonly string[];
  /** Where tags are kept; undefined where nothing says. */
  readonly metadata: StoreConfig | undefined;
  /** Acknowledges puts in the origin's place; undefined where the origin does so itself. */
  readonly journal: JournalConfig | undefined;
  /** The server's own part of the file, as it is written. */
  readonly server: Readonly<Record<string, unknown>>;
}
