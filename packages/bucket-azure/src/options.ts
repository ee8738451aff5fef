import type { Clock } from "@bitstore/core";

/** What fetches and refreshes tokens, as every credential of `@azure/identity` does. */
export interface AzureTokenCredential {
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/** One way to be let in. */
export type AzureCredential =
  /**
   * What the environment has for the account: AZURE_STORAGE_CONNECTION_STRING, else
   * AZURE_STORAGE_KEY, else AZURE_STORAGE_SAS_TOKEN (those two of AZURE_STORAGE_ACCOUNT), else
   * `identity`.
   */
  | { readonly kind: "default" }
  /** `DefaultAzureCredential` of `@azure/identity`: service principal, managed, CLI logins. */
  | { readonly kind: "identity" }
  | { readonly kind: "anonymous" }
  | { readonly kind: "connectionString"; readonly connectionString: string }
  /** The account is the bucket's own where it is left out. */
  | { readonly kind: "sharedKey"; readonly key: string; readonly account?: string | undefined }
  | { readonly kind: "sas"; readonly token: string }
  | { readonly kind: "token"; readonly credential: AzureTokenCredential };

export type AzureAccessTier = "Hot" | "Cool" | "Cold" | "Archive";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface AzureBucketOptions {
  readonly container: string;
  /** Name of the storage account; its endpoint is `https://ACCOUNT.blob.core.windows.net`. */
  readonly account?: string | undefined;
  /**
   * URL of the account's blob service without the container, for clones and emulators, such as
   * `http://127.0.0.1:10000/devstoreaccount1`. Without user info and SAS.
   */
  readonly endpoint?: string | undefined;
  readonly connectionString?: string | undefined;
  /** Sends no credentials: short for the one credential of that kind. */
  readonly anonymous?: boolean | undefined;
  /**
   * Tried in order: one that can't be loaded, or that the service does not authenticate, passes on
   * to the next. Left out: the connection string, else `default`.
   */
  readonly credentials?: readonly AzureCredential[] | undefined;
  /** Bytes up to which a body goes in one request, and of a block above; 8 MiB. */
  readonly partBytes?: number | undefined;
  /** Blocks of one upload that are in memory at a time; 4. */
  readonly partsInFlightMax?: number | undefined;
  /** How often one block is sent before the upload fails; 3. Nothing else is sent twice. */
  readonly partAttemptsMax?: number | undefined;
  /** Connections at a time; 64. An unread or slow read holds one. */
  readonly connectionsMax?: number | undefined;
  /** Objects a page of a list; 5000, the most that the service gives. */
  readonly listPageSize?: number | undefined;
  /** Base64 of a 256-bit key that encrypts and decrypts every object; over https only. */
  readonly customerProvidedKey?: string | undefined;
  /** Encryption scope of what is put. Excludes the key. */
  readonly encryptionScope?: string | undefined;
  /** Access tier of what is put; the account's default where it is left out. */
  readonly accessTier?: AzureAccessTier | undefined;
  /** Where credentials and proxies are looked up; the process's own by default. */
  readonly environment?: Environment | undefined;
  /** Time between the attempts of a block; the machine's by default. */
  readonly clock?: Clock | undefined;
  /** Makes the name of an upload, 36 characters, never twice the same; a UUID by default. */
  readonly uploadId?: (() => string) | undefined;
}
