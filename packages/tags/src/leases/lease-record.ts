import { type Digest, parseDigest, StoreError } from "@bitstore/core";
import { canonicalJson } from "../log/canonical-json.ts";

/** Digests and collections that one lease names at most. */
export const leaseDigestsMax = 1000;

/** Bytes of the longest lease that is read: a thousand of the longest digests, and its words. */
export const leaseBytesMax: number = 256 * 1024;

/** What a lease holds: blobs by their digests, or everything, so that nothing is swept at all. */
export type LeaseScope = readonly Digest[] | "all";

/** What the object of a lease says. */
export interface LeaseRecord {
  readonly namespace: string;
  /** 32 lower-case hex digits. */
  readonly id: string;
  readonly digests: LeaseScope;
  /** Blobs that are collections: what they name is held as well. */
  readonly collections: readonly Digest[];
  /** Who holds it, such as the name of a job. */
  readonly holder: string;
  readonly reason: string | undefined;
  /** Milliseconds from each renewal, by the service's clock, in which it holds. */
  readonly ttlMs: number;
  /** RFC 3339: when it was first written, by the service's clock. */
  readonly acquiredAt: string;
  /** RFC 3339: when it ends unless it is renewed, for readers of the object. */
  readonly expiresAt: string;
  /** Tells its holder's own writes from those of others. */
  readonly nonce: string;
}

/** What the member `schema` of a lease's object says. */
export const leaseSchemaName = "bitstore.lease/1";

/** Writes a lease as the bytes of its object; rejects with INVALID_ARGUMENT for what can't be one. */
export async function formatLease(record: LeaseRecord): Promise<Uint8Array> {
  const { reason, ...rest } = record;
  const why = reason === undefined ? {} : { reason };
  const whole = { schema: leaseSchemaName, ...rest, ...why };
  const { leaseSchema } = await import("./lease-schema.ts");
  const checked = leaseSchema.safeParse(whole);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "lease",
      message: `${issue?.path.join(".")} is refused: ${issue?.message}`,
    });
  }
  return new TextEncoder().encode(canonicalJson(whole));
}

/**
 * Reads a lease's bytes. Rejects with UNSUPPORTED for what this release does not understand: who
 * can't tell what is held must not delete.
 */
export async function parseLease(
  bytes: Uint8Array,
  key: string,
  source: string,
): Promise<LeaseRecord> {
  // Loaded with the first lease, so that a command that reads none does not wait for it.
  const { leaseSchema } = await import("./lease-schema.ts");
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const {
      schema: _,
      reason,
      digests,
      collections,
      ...rest
    } = leaseSchema.parse(JSON.parse(text));
    return {
      ...rest,
      reason,
      digests: digests === "all" ? "all" : digests.map((digest) => parseDigest(digest)),
      collections: collections.map((digest) => parseDigest(digest)),
    };
  } catch (cause) {
    throw new StoreError({
      code: "UNSUPPORTED",
      operation: "list",
      subject: key,
      source,
      message: "it is no lease that this release understands; use a later one, or delete it",
      cause,
    });
  }
}
