import { ageMs, type Bucket, isStoreError, type ObjectInfo, StoreError } from "@bitstore/core";

/** Key of the object by which two collectors don't do the same work at once. */
export const gcLockKey = "v1/_gc-lock.json";

/** Milliseconds without a sign of life after which a lock is taken over. */
export const lockMs: number = 10 * 60_000;

/**
 * Says that a collector works by this metadata bucket. It saves work and no more: two that run at once
 * harm nothing. Where the object can't be written there is no lock.
 */
export interface GcLock {
  /** Shows that the holder lives; to be called every few minutes. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/** Takes the lock. Rejects with PRECONDITION_FAILED where another run has it. */
export async function takeLock(
  bucket: Bucket,
  run: string,
  signal: AbortSignal | undefined,
): Promise<GcLock> {
  const body = new TextEncoder().encode(`${JSON.stringify({ run })}\n`);
  const write = { size: body.byteLength, signal };
  const none: GcLock = { renew: () => Promise.resolve(), release: () => Promise.resolve() };
  try {
    if ((await bucket.put(gcLockKey, body, { ...write, ifAbsent: true })) === "existed") {
      const there = await bucket.head(gcLockKey, { signal });
      if (there !== undefined && !isStale(bucket, there)) throw taken(bucket.name);
      const condition = there === undefined ? { ifAbsent: true } : { ifVersion: there.version };
      const outcome = await bucket.put(gcLockKey, body, { ...write, ...condition });
      if (outcome === "existed") throw taken(bucket.name);
    }
  } catch (error) {
    if (isStoreError(error, "PERMISSION_DENIED") || isStoreError(error, "UNSUPPORTED")) return none;
    throw error;
  }
  return {
    renew: async () => void (await bucket.put(gcLockKey, body, write)),
    release: async () => void (await bucket.delete(gcLockKey, { signal })),
  };
}

function isStale(bucket: Bucket, info: ObjectInfo): boolean {
  const age = ageMs(bucket, info);
  return age === undefined || age > lockMs;
}

function taken(source: string): StoreError {
  return new StoreError({
    code: "PRECONDITION_FAILED",
    operation: "gc",
    subject: gcLockKey,
    source,
    message: "another garbage collection is at work; wait for it, or ten minutes if it was killed",
  });
}
