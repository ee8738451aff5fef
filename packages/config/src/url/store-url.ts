import type { Algorithm, Digest, Price, Role } from "@bitstore/core";

/**
 * Where a store is: one shape for each form of URL. Prefixes are exactly what stands before every
 * key, so that they end in `/` where a folder is meant.
 */
export type StoreLocation =
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string }
  | { readonly kind: "gs"; readonly bucket: string; readonly prefix: string }
  | AzureLocation
  | { readonly kind: "file"; readonly directory: string }
  | { readonly kind: "memory" }
  | { readonly kind: "http"; readonly template: string }
  | { readonly kind: "bitstore"; readonly base: string };

export interface AzureLocation {
  readonly kind: "az";
  /** Such as `https://ACCOUNT.blob.core.windows.net`; undefined: the account of the environment. */
  readonly service: string | undefined;
  readonly container: string;
  readonly prefix: string;
}

export type StoreKind = StoreLocation["kind"];

/** How a store is reached and laid out. Left out: not said. */
export interface ConnectionOptions {
  readonly layout?: "flat" | "sharded";
  /** The one algorithm of a flat layout; elsewhere, that of a put that names none. */
  readonly algorithm?: Algorithm;
  readonly endpoint?: string;
  readonly region?: string;
  readonly pathStyle?: boolean;
  readonly anonymous?: boolean;
  readonly profile?: string;
  /** Storage account of an Azure container; that of the environment where left out. */
  readonly account?: string;
  /** Bytes of a part of a large upload. */
  readonly partBytes?: number;
  /** Storage class of what is put; the bucket's own where left out. */
  readonly storageClass?: string;
  /** Pays for the requests to an S3 bucket whose owner does not. */
  readonly requesterPays?: boolean;
  /** Google project that pays for the requests. */
  readonly userProject?: string;
  readonly serverSideEncryption?: "AES256" | "aws:kms" | "aws:kms:dsse";
  readonly sseKmsKeyId?: string;
  /** Key of Google's key service that what is put is encrypted with. */
  readonly kmsKeyName?: string;
  /** Encryption scope of what is put into an Azure container. */
  readonly encryptionScope?: string;
  /** Whether an HTTP API answers HEAD rightly (default), and honours Range (default not). */
  readonly head?: boolean;
  readonly rangeRead?: boolean;
  /** Lets puts go to an HTTP API. */
  readonly put?: boolean;
  /**
   * Headers of an HTTP API's requests, by lower-case name. A secret is written as a reference,
   * `env:NAME` or `file:PATH`, after a scheme word if need be: `Bearer env:API_TOKEN`.
   */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly concurrencyMax?: number;
  /** Requests that an HTTP API is sent in a second. */
  readonly requestsPerSecondMax?: number;
}

/** What a tier is in its composite. Left out: not said. */
export interface PlaceOptions {
  /** Name in reports and in `fill`; derived from the location where left out. */
  readonly name?: string;
  readonly role?: Role;
  readonly origin?: boolean;
  readonly readOnly?: boolean;
  readonly heal?: boolean;
  readonly hedge?: boolean;
  readonly price?: Price;
  /** Names of the cache tiers that a hit here is written into. */
  readonly fill?: readonly string[];
  readonly onFailure?: "next" | "stop";
  readonly forbiddenMeans?: "denied" | "miss";
  /** A blob known to be there, which `forbiddenMeans: miss` is checked with. */
  readonly canary?: Digest;
  /** How long a miss is remembered; 0 never. */
  readonly negativeTtlMs?: number;
  /** Bytes that a cache may hold. */
  readonly bytesMax?: number;
}

/** What may be said of a tier, in its URL's query or in the config file. */
export interface StoreOptions extends ConnectionOptions, PlaceOptions {}

/** A store URL, parsed. */
export interface StoreUrl {
  readonly location: StoreLocation;
  readonly options: StoreOptions;
}
