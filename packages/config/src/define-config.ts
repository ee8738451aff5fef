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
  readonly server?: Readonly<Record<string, unknown>>;
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
