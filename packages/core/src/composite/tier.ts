import type { Role } from "../content.ts";
import type { Digest } from "../digest.ts";
import type { BlobStore } from "../source.ts";

/** What a request to a tier costs, for reports and for what is not asked unless it must be. */
export interface Price {
  /** In `currency`, of one request that is answered. */
  readonly perRequest: number;
  /** ISO 4217, such as `USD`. */
  readonly currency: string;
}

/** A source's place in a composite. Timeouts, retries and limits are layers on the source. */
export interface Tier {
  readonly name: string;
  readonly source: BlobStore;
  readonly role: Role;
  /** Puts go here, and "durable" means here. */
  readonly origin: boolean;
  /** Neither put, delete, heal nor gc touches it. */
  readonly readOnly: boolean;
  /** A corrupt copy here may be replaced. */
  readonly heal: boolean;
  /** Names of the cache tiers that a hit here is written into; undefined: all before it. */
  readonly fill: readonly string[] | undefined;
  /** Whether a failure here asks the next tier (default) or fails the read. */
  readonly onFailure: "next" | "stop";
  /**
   * Whether a GET that is refused with AccessDenied counts as a miss: S3 says so of absent keys to
   * those who may not list. Believed only while another read with the same credentials succeeds.
   */
  readonly forbiddenMeans: "denied" | "miss";
  /** A blob known to be there, to be read where no other read has succeeded within a minute. */
  readonly canary: Digest | undefined;
  readonly price: Price | undefined;
  /** How long a miss here is remembered; 0 never. Caches never remember one. */
  readonly negativeTtlMs: number;
}

/** What must be said of a tier; the rest has defaults. */
export type TierOptions = Pick<Tier, "name" | "source"> & {
  readonly [K in keyof Omit<Tier, "name" | "source">]?: Tier[K] | undefined;
};

/** Long enough to spare a burst of equal questions, short enough that an upload is seen soon. */
const negativeTtlMsDefault = 5000;

/**
 * Fills in what a tier's options leave out. A tier is read-only unless it is the origin, a cache, or
 * says `readOnly: false`, so that a composite never writes into a bucket that is somebody else's.
 */
export function defineTier(options: TierOptions): Tier {
  const role = options.role ?? "source";
  const origin = options.origin ?? false;
  const writable = origin || role === "cache" || options.readOnly === false;
  return {
    name: options.name,
    source: options.source,
    role,
    origin,
    readOnly: options.readOnly ?? !writable,
    heal: options.heal ?? role === "cache",
    fill: options.fill,
    onFailure: options.onFailure ?? "next",
    forbiddenMeans: options.forbiddenMeans ?? "denied",
    canary: options.canary,
    price: options.price,
    negativeTtlMs: role === "cache" ? 0 : (options.negativeTtlMs ?? negativeTtlMsDefault),
  };
}
