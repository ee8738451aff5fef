import {
  type BlobStore,
  type CallOptions,
  type Digest,
  type Explanation,
  StoreError,
  systemClock,
  type TagLog,
} from "@bitstore/core";
import { remoteStore } from "./blobs/remote-store.ts";
import { type BulkBlob, fetchBlobs } from "./bulk/fetch-blobs.ts";
import { type Digests, missingBlobs } from "./bulk/missing-blobs.ts";
import type { ClientOptions } from "./client-options.ts";
import { explainBlob } from "./explain.ts";
import { listTiers, type RemoteTier } from "./list-tiers.ts";
import { memoryProofs } from "./proofs.ts";
import { remoteTagLog } from "./tags/remote-tag-log.ts";
import { type Api, type ClientLimits, clientLimitsDefault } from "./wire/api.ts";
import type { Transport } from "./wire/transport.ts";

/** Another bitstore. Disposing it closes its connections; its store and its tags end with it. */
export interface BitstoreClient extends AsyncDisposable {
  /** `bitstore+https://host`, for messages. */
  readonly name: string;
  /** A store like any other; what it reads counts as unverified, as of every driver. */
  readonly store: BlobStore;
  readonly tags: TagLog;
  /** The same tags, written by another where a call does not say who writes. */
  tagsBy(actor: string | undefined): TagLog;
  /** Yields which of the digests the server's origin lacks, in no particular order. */
  missing(digests: Digests, options?: CallOptions): AsyncIterable<Digest>;
  /** Fetches many blobs, streamed as they come; what is missing or failed is yielded as well. */
  fetch(digests: Digests, options?: CallOptions): AsyncIterable<BulkBlob>;
  /** Resolves to what each of the server's tiers says of a blob. */
  explain(digest: Digest, options?: CallOptions): Promise<Explanation>;
  /** Resolves to the server's tiers, how they do, and what they answered so far. */
  tiers(options?: CallOptions): Promise<readonly RemoteTier[]>;
}

/**
 * Makes a client over a transport. No request is made.
 *
 * @throws CONFIG_INVALID for a URL that is none of http or https, or that has a secret in it.
 */
export function createClient(
  options: ClientOptions,
  openTransport: (limits: ClientLimits) => Transport,
): BitstoreClient {
  const base = baseOf(options.url);
  const limits = { ...clientLimitsDefault, ...defined(options.limits ?? {}) };
  const { token, headers = {}, namespace = "default", mintNonce = randomNonce } = options;
  const api: Api = {
    name: `bitstore+${base}`,
    base,
    transport: openTransport(limits),
    token: async () => checkToken(typeof token === "function" ? await token() : token),
    headers: typeof headers === "function" ? headers : () => headers,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    limits,
    proofs: options.proofs ?? memoryProofs(),
  };
  const tagsBy = (actor: string | undefined): TagLog =>
    remoteTagLog(api, { namespace, actor, mintNonce });
  return {
    name: api.name,
    store: remoteStore(api),
    tags: tagsBy(options.actor),
    tagsBy,
    missing: (digests, call) => missingBlobs(api, digests, call),
    fetch: (digests, call) => fetchBlobs(api, digests, call),
    explain: (digest, call) => explainBlob(api, digest, call),
    tiers: (call) => listTiers(api, call),
    [Symbol.asyncDispose]: async () => await api.transport[Symbol.asyncDispose](),
  };
}

function baseOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw refusal("url is no http or https URL, such as https://bitstore.example");
  }
  if (url.username !== "" || url.password !== "") {
    throw refusal("url has a secret in it; give it as token");
  }
  if (url.search !== "" || url.hash !== "") throw refusal("url has a query or a fragment");
  return url.origin + url.pathname.replace(/\/+$/, "");
}

function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw refusal("the token has a character that no header takes");
}

function refusal(message: string): StoreError {
  return new StoreError({ code: "CONFIG_INVALID", operation: "open", source: "client", message });
}

function randomNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function defined<T extends object>(limits: T): T {
  const pairs = Object.entries(limits).filter(([, value]) => value !== undefined);
  return Object.fromEntries(pairs) as T;
}
