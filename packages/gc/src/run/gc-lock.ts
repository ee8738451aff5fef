import {
  ageMs,
  type Bucket,
  collect,
  isStoreError,
  type ObjectInfo,
  type PutOptions,
  type PutOutcome,
  StoreError,
} from "@bitstore/core";
import type { Patience } from "./patience.ts";

/** Key of the object by which two collectors don't do the same work at once. */
const gcLockKey = "v1/_gc-lock.json";

/** Milliseconds without a sign of life after which a lock is taken over. */
const lockMs = 10 * 60_000;

/** Bytes of a lock that are read to tell whose it is. */
const lockBytesMax = 64 * 1024;

/**
 * Says that a collector works by this metadata bucket. It saves work and no more: two that run at once
 * harm nothing. Where the object can't be written there is no lock.
 */
export interface GcLock {
  /** Shows that the holder lives; to be called every few minutes. */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/** Milliseconds in which a lock is given back, or else left to be taken over. */
const releaseMs = 10_000;

export interface LockOptions {
  readonly patience: Patience;
  /** Bears the release, which has to happen also once the run was aborted. */
  readonly lastPatience: Patience;
}

/** Takes the lock. Rejects with PRECONDITION_FAILED where another run has it. */
export async function takeLock(
  bucket: Bucket,
  run: string,
  { patience, lastPatience }: LockOptions,
): Promise<GcLock> {
  const body = new TextEncoder().encode(`${JSON.stringify({ run })}\n`);
  const { retried } = patience;
  const put = (condition: PutOptions = {}): Promise<PutOutcome> =>
    retried((signal) =>
      bucket.put(gcLockKey, body, { ...condition, size: body.byteLength, signal }),
    );
  const isOurs = async (signal: AbortSignal): Promise<boolean> => {
    const content = await bucket.read(gcLockKey, { signal });
    if (content === undefined) return false;
    return Buffer.compare(await collect(content.body, lockBytesMax), body) === 0;
  };
  const none: GcLock = { renew: () => Promise.resolve(), release: () => Promise.resolve() };
  try {
    // One that is ours was written by a try whose answer was lost.
    if ((await put({ ifAbsent: true })) === "existed" && !(await retried(isOurs))) {
      const there = await retried((signal) => bucket.head(gcLockKey, { signal }));
      if (there !== undefined && !isStale(bucket, there)) throw taken(bucket.name);
      const outcome = await put(
        there === undefined ? { ifAbsent: true } : { ifVersion: there.version },
      );
      if (outcome === "existed") throw taken(bucket.name);
    }
  } catch (error) {
    if (isStoreError(error, "PERMISSION_DENIED") || isStoreError(error, "UNSUPPORTED")) return none;
    throw error;
  }
  return {
    renew: async () => void (await put()),
    release: async () => {
      const { retried: last } = lastPatience;
      await last((signal) => bucket.delete(gcLockKey, { signal }), releaseMs);
    },
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
