import { randomBytes } from "node:crypto";
import {
  type Bucket,
  type CallOptions,
  type Clock,
  type Descriptor,
  type Digest,
  isStoreError,
  mapConcurrent,
  StoreError,
  systemClock,
} from "@bitstore/core";
import { checkNamespace } from "../namespaces.ts";
import { leaseKey } from "./lease-keys.ts";
import { formatLease, type LeaseRecord, type LeaseScope, parseLease } from "./lease-record.ts";
import { checkFormat, readWhole, timed } from "./lease-requests.ts";
import { expiring, renewing } from "./lease-timers.ts";
import { lapsedMsOf } from "./list-leases.ts";

export interface LeaseOptions extends CallOptions {
  readonly namespace: string;
  /** At most 1,000 digests; `all` stops every sweep while it holds. */
  readonly digests: LeaseScope;
  /** Blobs that are collections: what they name is held as well. */
  readonly collections?: readonly Digest[] | undefined;
  /** Who holds it, such as the name of a job: at most 256 characters. */
  readonly holder: string;
  readonly reason?: string | undefined;
  /** Milliseconds that it holds for from each renewal; at least a minute. */
  readonly ttlMs: number;
  /** Renews it by itself so often; never if left out. A third of `ttlMs` is a good choice. */
  readonly renewEveryMs?: number | undefined;
  /**
   * Looks for each blob at the origin once the lease is written, which also brings it back from the
   * trash; NOT_FOUND where one is absent. Without it the lease holds what was not purged by then.
   */
  readonly stat?:
    | ((digest: Digest, options: CallOptions) => Promise<Descriptor | undefined>)
    | undefined;
  readonly clock?: Clock | undefined;
  /** 128 bits as 32 lower-case hex digits, never the same twice. */
  readonly mintId?: (() => string) | undefined;
}

/** A lease that is held. Disposing it releases it. */
export interface Lease extends AsyncDisposable {
  readonly id: string;
  readonly namespace: string;
  /**
   * Aborts when the lease is found to be lost, or `ttlMs` passed on the own clock since it was last
   * renewed for certain; its reason is the error.
   */
  readonly signal: AbortSignal;
  /** Holds it for `ttlMs` from now. PRECONDITION_FAILED where it has lapsed or is gone: it is lost. */
  readonly renew: (options?: CallOptions) => Promise<void>;
  /** Ends it; a lease that is gone already is no error. */
  readonly release: (options?: CallOptions) => Promise<void>;
}

const ttlMsMin = 60_000;
const roundsMax = 5;
const statsMax = 16;

/**
 * Acquires a lease: while it holds, no garbage collection touches what it names. It is judged by the
 * clock of the metadata bucket's service, and five minutes late; the holder's own clock only says when
 * to renew. Make it before you ask for the blobs, and release it once a tag names what is to stay.
 */
export async function acquireLease(bucket: Bucket, options: LeaseOptions): Promise<Lease> {
  const namespace = checkNamespace(options.namespace);
  const clock = options.clock ?? systemClock;
  const mintId = options.mintId ?? ((): string => randomBytes(16).toString("hex"));
  if (!(options.ttlMs >= ttlMsMin)) throw tooShort(options.ttlMs);
  const id = mintId();
  const key = leaseKey(namespace, id);
  const lost = new AbortController();
  const ask = <T>(
    signal: AbortSignal | undefined,
    request: (options: CallOptions) => Promise<T>,
  ): Promise<T> => timed(clock, key, bucket.name, signal, request);
  // The first answer tells the service's time.
  await ask(options.signal, (call) => checkFormat(bucket, call));
  if (bucket.serviceTime() === undefined) {
    await ask(options.signal, (call) => bucket.head(key, call));
  }
  const base = { namespace, id, nonce: mintId(), acquiredAt: timeOf(bucket, 0) };
  const { digests, collections = [], holder, reason, ttlMs } = options;
  const record = (): LeaseRecord => {
    const expiresAt = timeOf(bucket, ttlMs);
    return { ...base, digests, collections, holder, reason, ttlMs, expiresAt };
  };

  async function create(call: CallOptions): Promise<void> {
    const body = await formatLease(record());
    const put = { ifAbsent: true, size: body.byteLength };
    const askedMs = clock.now();
    for (let round = 1; ; round += 1) {
      try {
        // An id that is taken was taken by this very lease, whose answer was lost.
        await ask(call.signal, (each) => bucket.put(key, body, { ...put, ...each }));
        expiry.restart(askedMs);
        return;
      } catch (error) {
        const passes = isStoreError(error) && error.persistence === "transient";
        if (!passes || round >= roundsMax) throw error;
      }
    }
  }

  async function renew(call: CallOptions = {}): Promise<void> {
    if (lost.signal.aborted) throw lost.signal.reason;
    for (let round = 1; round <= roundsMax; round += 1) {
      const { signal } = call;
      const info = await ask(signal, (each) => bucket.head(key, each));
      const there = await ask(signal, (each) => readWhole(bucket, key, each));
      if (info === undefined || there === undefined) throw loseIt("it is gone");
      const { version } = there;
      const found = await parseLease(there.bytes, key, bucket.name);
      if (found.nonce !== base.nonce) throw loseIt("somebody else has written it");
      if (lapsedMsOf(bucket, found, info.modifiedAt) !== undefined) throw loseIt("it has lapsed");
      const body = await formatLease(record());
      const ifVersion = bucket.capabilities.replaceIfMatch ? version : undefined;
      const put = { ifVersion, size: body.byteLength };
      const askedMs = clock.now();
      try {
        await ask(signal, (each) => bucket.put(key, body, { ...put, ...each }));
        expiry.restart(askedMs);
        return;
      } catch (error) {
        // A renewal of before, whose answer was lost, has come through meanwhile.
        if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
      }
    }
    throw restless(key, bucket.name);
  }

  function loseIt(why: string): StoreError {
    const error = new StoreError({
      code: "PRECONDITION_FAILED",
      operation: "renew",
      subject: key,
      source: bucket.name,
      message: `the lease is lost: ${why}; acquire another and look for the blobs again`,
    });
    lost.abort(error);
    return error;
  }

  const expiry = expiring(ttlMs, clock, () =>
    loseIt("its time is over, and no renewal came through"),
  );
  const renewals = renewing(options.renewEveryMs, clock, renew, lost.signal);
  async function release(call: CallOptions = {}): Promise<void> {
    renewals.stop();
    expiry.stop();
    await ask(call.signal, (each) => bucket.delete(key, each));
  }

  await create({ signal: options.signal });
  try {
    if (options.stat !== undefined) await checkAll(digests, collections, options.stat, options);
  } catch (error) {
    // Otherwise it lapses.
    await release().catch(() => undefined);
    throw error;
  }
  renewals.start();
  return {
    id,
    namespace,
    signal: lost.signal,
    renew,
    release,
    [Symbol.asyncDispose]: () => release(),
  };
}

/** Rejects with NOT_FOUND where one of the blobs is absent. */
async function checkAll(
  digests: LeaseScope,
  collections: readonly Digest[],
  stat: NonNullable<LeaseOptions["stat"]>,
  call: CallOptions,
): Promise<void> {
  const wanted = new Set([...(digests === "all" ? [] : digests), ...collections]);
  const stop = new AbortController();
  const signal =
    call.signal === undefined ? stop.signal : AbortSignal.any([call.signal, stop.signal]);
  const looked = mapConcurrent(
    wanted,
    { concurrencyMax: statsMax, ordered: false, waitingMax: statsMax, signal },
    async (digest) => ({ digest, found: await stat(digest, { signal }) }),
    () => stop.abort(),
  );
  for await (const { digest, found } of looked) if (found === undefined) throw notFound(digest);
}

/** Reads the service's clock; a lease in a bucket that tells no time could not be judged. */
function timeOf(bucket: Bucket, plusMs: number): string {
  const now = bucket.serviceTime();
  if (now !== undefined) return new Date(now.getTime() + plusMs).toISOString();
  throw new StoreError({
    code: "UNSUPPORTED",
    operation: "lease",
    source: bucket.name,
    message: "this service does not tell the time, so nobody could tell when a lease ends",
  });
}

function tooShort(ttlMs: number): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "lease",
    message: `ttlMs ${ttlMs} is less than a minute: services count time in seconds, and late`,
  });
}

function notFound(digest: Digest): StoreError {
  return new StoreError({
    code: "NOT_FOUND",
    operation: "lease",
    subject: digest,
    message: "there is nothing to hold: the origin does not have the blob",
  });
}

function restless(key: string, source: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "renew",
    subject: key,
    source,
    message: "the lease changed again and again meanwhile; renew it again",
  });
}
