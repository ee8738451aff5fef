import type { PlaceOptions, StoreOptions } from "./url/store-url.ts";

/** Credentials as a config file writes them; secrets as `env:NAME` or `file:PATH`. */
export type CredentialsEntry =
  | "default"
  | "anonymous"
  | { readonly profile: string }
  | {
      readonly accessKeyId: string;
      readonly secretAccessKey: string;
      readonly sessionToken?: string;
    }
  | { readonly keyFile: string }
  | { readonly connectionString: string }
  | { readonly accountName: string; readonly accountKey: string }
  | { readonly sas: string };

/** A tier as a config file writes it: a store URL, and the options of its query beside it. */
export interface TierEntry
  extends Omit<StoreOptions, "price" | "bytesMax" | "partBytes" | "canary" | "fill"> {
  readonly url: string;
  readonly fill?: readonly string[];
  /** Such as `0.0004USD`, of one request. */
  readonly price?: string | number;
  /** Such as `50GiB`. */
  readonly bytesMax?: string | number;
  readonly partBytes?: string | number;
  readonly canary?: string;
  /** Tried in this order. */
  readonly credentials?: CredentialsEntry | readonly CredentialsEntry[];
}

/** What a config file says, as `bitstore.yaml` does. */
export interface ConfigFile {
  /** Asked in this order. */
  readonly tiers?: readonly TierEntry[];
  readonly metadata?: string | MetadataEntry;
  /** Who acknowledges puts: the origin (default), or a journal on this machine's disk. */
  readonly ack?: "origin" | "cache";
  readonly journal?: JournalEntry;
  readonly server?: Readonly<Record<string, unknown>>;
}

/** The journal of `ack: cache` as a config file writes it. */
export interface JournalEntry {
  /** `./.bitstore/journal` if left out; a directory of its own, on a local file system. */
  readonly directory?: string;
  /** Such as `10GiB`, the default. */
  readonly bytesMax?: string | number;
  /** Larger blobs go to the origin at once; `bytesMax` if left out. */
  readonly entryBytesMax?: string | number;
  /** Uploads at a time; 8 if left out. */
  readonly concurrencyMax?: number;
}

/** The metadata's bucket, where its URL alone does not say enough. */
export type MetadataEntry = Omit<TierEntry, keyof PlaceOptions | "layout" | "algorithm" | "put">;

/**
 * Returns a config as it is, for its types: `export default defineConfig({ … })` in a file that is
 * named by `--config`. It is checked when it is loaded, as a YAML file is.
 */
export function defineConfig(config: ConfigFile): ConfigFile {
  return config;
}
