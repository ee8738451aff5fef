import { type Bucket, type CallOptions, collect, StoreError } from "@bitstore/core";
import { checkNamespace } from "../namespaces.ts";
import { leaseKey, leasePrefix } from "./lease-keys.ts";
import { leaseBytesMax, type LeaseRecord, parseLease } from "./lease-record.ts";

/** A lease as it was found. */
export interface FoundLease extends LeaseRecord {
  /** Of its object. */
  readonly key: string;
  /**
   * Milliseconds, by the service's clock, since it has lapsed: its time is over, and five minutes on
   * top. Undefined while it holds, and where the service tells no time.
   */
  readonly lapsedMs: number | undefined;
}

/** What clocks may differ by before a lease is taken for lapsed. */
export const leaseMarginMs: number = 5 * 60_000;

/** Milliseconds that a lapsed lease is still shown before it may be removed. */
export const lapsedKeptMs: number = 24 * 60 * 60_000;

/**
 * Yields the leases of a namespace, lapsed ones as well, in the order of their ids. One that is
 * released meanwhile may be left out. Rejects with UNSUPPORTED for one of a later format, and for one
 * that says another namespace or id than its key: it would stand for a lease that it is not.
 */
export async function* listLeases(
  bucket: Bucket,
  namespace: string,
  { signal }: CallOptions = {},
): AsyncGenerator<FoundLease, void, void> {
  const prefix = leasePrefix(checkNamespace(namespace));
  for await (const { key, modifiedAt } of bucket.list(prefix, { signal })) {
    const content = await bucket.read(key, { signal });
    if (content === undefined) continue;
    const record = await parseLease(await collect(content.body, leaseBytesMax), key, bucket.name);
    if (key !== leaseKey(namespace, record.id) || record.namespace !== namespace) {
      throw misplaced(key, bucket.name);
    }
    yield { ...record, key, lapsedMs: lapsedMsOf(bucket, record, modifiedAt) };
  }
}

/** Tells for how long a lease has lapsed: the object's own time counts, which is the service's. */
export function lapsedMsOf(
  bucket: Pick<Bucket, "serviceTime">,
  { ttlMs, expiresAt }: LeaseRecord,
  modifiedAt: Date | undefined,
): number | undefined {
  const nowMs = bucket.serviceTime()?.getTime();
  if (nowMs === undefined) return undefined;
  const endMs = modifiedAt === undefined ? Date.parse(expiresAt) : modifiedAt.getTime() + ttlMs;
  const sinceMs = nowMs - endMs - leaseMarginMs;
  return sinceMs > 0 ? sinceMs : undefined;
}

/**
 * Removes a lease that has lapsed a day ago or longer; resolves to whether it did. Its holder can't
 * have renewed it meanwhile: a lapsed lease is never renewed.
 */
export async function removeLapsedLease(
  bucket: Bucket,
  { key, lapsedMs }: Pick<FoundLease, "key" | "lapsedMs">,
  { signal }: CallOptions = {},
): Promise<boolean> {
  if (lapsedMs === undefined || lapsedMs < lapsedKeptMs) return false;
  return await bucket.delete(key, { signal });
}

function misplaced(subject: string, source: string): StoreError {
  return new StoreError({
    code: "UNSUPPORTED",
    operation: "list",
    subject,
    source,
    message: "it says another namespace or id than its key does, so it is no lease; delete it",
  });
}
