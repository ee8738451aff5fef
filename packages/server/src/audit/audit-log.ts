import { randomBytes } from "node:crypto";
import { channel } from "node:diagnostics_channel";
import {
  type Bucket,
  type Clock,
  isStoreError,
  sleep,
  StoreError,
  systemClock,
} from "@bitstore/core";
import type { AuditEvent, AuditHead, AuditRecord, SegmentHeader } from "./audit-record.ts";
import { chainHeads, readBytes } from "./chain-heads.ts";
import { chainName, encodeSegment, hashSegment, segmentKey, segmentRecordsMax } from "./segment.ts";

export interface AuditLimits {
  /** How long a record waits for others that are stored with it. */
  readonly windowMs: number;
  /** Records that wait at most; then writes are refused. */
  readonly waitingMax: number;
  readonly attemptsMax: number;
  readonly attemptMs: number;
  readonly pauseMs: number;
  /** Chains of others that a new one anchors. */
  readonly anchorsMax: number;
}

export const auditLimitsDefault: AuditLimits = {
  windowMs: 3,
  waitingMax: 10_000,
  attemptsMax: 3,
  attemptMs: 10_000,
  pauseMs: 100,
  anchorsMax: 64,
};

export interface AuditLogOptions {
  /** Signs segments, so that who can write to the bucket can't forge them; see `auditKey`. */
  readonly key?: Uint8Array | undefined;
  readonly clock?: Clock | undefined;
  readonly date?: (() => Date) | undefined;
  /** 128 bits as 32 lower-case hex digits, never the same twice. */
  readonly mintNonce?: (() => string) | undefined;
  readonly limits?: Partial<AuditLimits> | undefined;
}

/** An append-only log of what was written. Disposing it stores what waits, and closes its chain. */
export interface AuditLog extends AsyncDisposable {
  /** Resolves once the event is stored; rejects with UNAVAILABLE where that can't be had. */
  append(event: AuditEvent): Promise<void>;
  /** Makes the id that joins an intent and its outcome. */
  mintId(): string;
  /** The newest segment that is stored; undefined before the first. */
  head(): AuditHead | undefined;
}

interface Waiting {
  readonly event: AuditEvent;
  readonly time: string;
  resolve(): void;
  reject(error: unknown): void;
}

interface MadeSegment {
  readonly number: number;
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  attempts: number;
}

/** What the newest segment is, is published on `bitstore:audit`: a log elsewhere anchors it. */
const heads = channel("bitstore:audit");

/**
 * Opens the log of one process: a chain of segments of its own, each create-only, each with the hash of
 * the one before. So processes never wait for each other, and credentials that may only create objects
 * do. Records that come while one segment is stored, or within `windowMs`, go into the next together.
 * No request is made before the first record.
 *
 * A segment that could not be stored is tried again, the same bytes under the same key, before anything
 * else is: its records stay in the log if a lost answer was only that, though their writers were told
 * that they failed. The bucket is to be bare: this is the one that tries again.
 */
export function openAuditLog(bucket: Bucket, options: AuditLogOptions = {}): AuditLog {
  const { clock = systemClock, date = () => new Date(), key } = options;
  const mintId = options.mintNonce ?? ((): string => randomBytes(16).toString("hex"));
  const limits = { ...auditLimitsDefault, ...options.limits };
  const waiting: Waiting[] = [];
  let chain = chainName(date(), mintId());
  let head: AuditHead | undefined;
  let records = 0;
  let unsettled: MadeSegment | undefined;
  let running: Promise<void> | undefined;
  let isClosed = false;

  function make(
    batch: readonly Waiting[],
    more: Pick<SegmentHeader, "anchors" | "closed">,
  ): MadeSegment {
    const number = (head?.segment ?? 0) + 1;
    const header: SegmentHeader = {
      format: 1,
      chain,
      segment: number,
      records: batch.length,
      time: date().toISOString(),
      prev: head?.sha256,
      ...more,
    };
    const lines = batch.map(({ event, time }): AuditRecord => {
      records += 1;
      return { n: records, time, ...event };
    });
    const bytes = encodeSegment(header, lines, key);
    const sha256 = hashSegment(bytes);
    return { number, key: segmentKey(chain, number), bytes, sha256, attempts: 0 };
  }

  /** Stores a segment; on a failure it stays the one that comes first. */
  async function store(segment: MadeSegment): Promise<void> {
    unsettled = segment;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await putOnce(segment);
        break;
      } catch (error) {
        const again = !isStoreError(error) || error.persistence === "transient";
        if (!again || attempt >= limits.attemptsMax) throw unwritable(bucket.name, error);
        await sleep(clock, limits.pauseMs * 2 ** (attempt - 1));
      }
    }
    unsettled = undefined;
    head = { chain, segment: segment.number, sha256: segment.sha256 };
    if (heads.hasSubscribers) heads.publish(head);
  }

  async function putOnce(segment: MadeSegment): Promise<void> {
    const { key: name, bytes } = segment;
    const size = bytes.byteLength;
    const timeout = new AbortController();
    const cancel = clock.after(limits.attemptMs, () => timeout.abort(tooSlow(bucket.name)));
    const isFirst = segment.attempts === 0;
    segment.attempts += 1;
    try {
      const ifAbsent = bucket.capabilities.createIfAbsent;
      const put = { ifAbsent, size, contentType: "application/x-ndjson", signal: timeout.signal };
      if ((await bucket.put(name, bytes, put)) !== "existed") return;
      // No other process makes this name: what is there is what an attempt with a lost answer made,
      // or somebody forges. Where it can't be read back, a lost attempt must have been made.
      const there = await readBytes(bucket, name, { signal: timeout.signal }).catch(
        () => undefined,
      );
      const isOurs = there === undefined ? !isFirst : Buffer.compare(there, bytes) === 0;
      if (!isOurs) throw forged(bucket.name, name);
    } finally {
      cancel();
    }
  }

  /** Says the heads of other chains where they may be read; write-only credentials can't. */
  async function anchors(): Promise<readonly AuditHead[]> {
    if (!bucket.capabilities.list) return [];
    const timeout = new AbortController();
    const cancel = clock.after(limits.attemptMs, () => timeout.abort(tooSlow(bucket.name)));
    try {
      return await chainHeads(bucket, limits.anchorsMax, { signal: timeout.signal });
    } catch {
      return [];
    } finally {
      cancel();
    }
  }

  async function flush(batch: readonly Waiting[]): Promise<void> {
    try {
      if (unsettled !== undefined) await store(unsettled);
      if (batch.length > 0) {
        await store(make(batch, head === undefined ? { anchors: await anchors() } : {}));
      }
      for (const each of batch) each.resolve();
    } catch (error) {
      if (isStoreError(error) && error.serviceCode === forgedCode) restart();
      for (const each of batch) each.reject(error);
    }
  }

  /** Leaves a chain that somebody else writes into, and begins another. */
  function restart(): void {
    chain = chainName(date(), mintId());
    head = undefined;
    unsettled = undefined;
    records = 0;
  }

  async function run(): Promise<void> {
    await sleep(clock, limits.windowMs);
    while (waiting.length > 0) await flush(waiting.splice(0, segmentRecordsMax));
    running = undefined;
  }

  return {
    mintId,
    head: () => head,
    append(event) {
      if (isClosed) return Promise.reject(refusal(bucket.name, "the server is ending"));
      if (waiting.length >= limits.waitingMax) {
        return Promise.reject(refusal(bucket.name, "too many records wait to be written"));
      }
      return new Promise((resolve, reject) => {
        waiting.push({ event, time: date().toISOString(), resolve, reject });
        running ??= run();
      });
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      await running;
      if (head === undefined && unsettled === undefined) return;
      if (unsettled !== undefined) await store(unsettled);
      await store(make([], { closed: true }));
    },
  };
}

const forgedCode = "AuditSegmentTaken";

function forged(source: string, subject: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "audit",
    source,
    subject,
    serviceCode: forgedCode,
    persistence: "exhausted",
    message: "somebody else wrote a segment of this process; look at who may write there",
  });
}

function unwritable(source: string, cause: unknown): StoreError {
  if (isStoreError(cause) && cause.serviceCode === forgedCode) return cause;
  // Its bucket is nobody's business but the operator's, who reads the cause in the log.
  const why = isStoreError(cause) ? ` (${cause.code})` : "";
  return refusal(source, `the audit log can't be written, so nothing may be${why}`, cause);
}

function refusal(source: string, message: string, cause?: unknown): StoreError {
  return new StoreError({ code: "UNAVAILABLE", operation: "audit", source, message, cause });
}

function tooSlow(source: string): StoreError {
  const message = "the bucket of the audit log did not answer in time";
  return new StoreError({ code: "TIMEOUT", operation: "audit", source, message });
}
