import { randomBytes } from "node:crypto";
import {
  type Bucket,
  type CallOptions,
  type Clock,
  type Digest,
  isStoreError,
  orAborted,
  parseTagName,
  StoreError,
  systemClock,
  type TagEntry,
  type TagLog,
  type TagRetry,
  type TagSetOptions,
  type TagTarget,
  type TagWriteOptions,
} from "@bitstore/core";
import { metadataFormat } from "../format/metadata-format.ts";
import { checkNamespace } from "../namespaces.ts";
import type { TargetCheck } from "../target-check.ts";
import { asOf } from "./as-of.ts";
import { createCalls } from "./calls.ts";
import type { Change } from "./change.ts";
import { checkSeq, checkWrite, checkWriter } from "./check-input.ts";
import { commit, findWritten } from "./commit.ts";
import { type LogContext, requestOf } from "./context.ts";
import { entriesOf } from "./entries.ts";
import { createHeads } from "./heads.ts";
import { history } from "./history.ts";
import { keyedQueue } from "./keyed-queue.ts";
import { type LogKind, logKeys } from "./keys.ts";
import { type TagLimits, tagLimitsDefault } from "./limits.ts";
import { listTags } from "./list.ts";
import { verifyLog } from "./verify.ts";
import { watch } from "./watch.ts";

export interface TagLogOptions {
  /** 1 to 63 of `a-z 0-9 -`, beginning with a letter or digit; `default` if left out. */
  readonly namespace?: string | undefined;
  /** Which logs of the namespace; tags if left out. */
  readonly kind?: LogKind | undefined;
  /** Who writes, where a call does not say. */
  readonly actor?: string | undefined;
  /** The software that writes, such as `bitstore/0.1.0`. */
  readonly client?: string | undefined;
  /** Looks whether a blob is where tagged blobs must be; see `durableTargets`, `trustTargets`. */
  readonly checkTarget: TargetCheck;
  /**
   * Writes to a bucket that does not honour create-if-absent. Safe only while never more than one
   * process writes, and none goes on after an INDETERMINATE write: a request that comes late would
   * overwrite an entry that was acknowledged.
   */
  readonly unsafeSingleWriter?: boolean | undefined;
  readonly limits?: Partial<TagLimits> | undefined;
  readonly clock?: Clock | undefined;
  /** A number from 0 up to 1, for the pauses between attempts. */
  readonly random?: (() => number) | undefined;
  /** 128 bits as 32 lower-case hex digits, never the same twice. */
  readonly mintNonce?: (() => string) | undefined;
}

/**
 * Keeps tags in a bucket, one log for each, as append-only JSON manifests whose names count down, so
 * that the newest is the first in a list. Any number of processes may write. The bucket is to be bare:
 * the log settles lost answers itself, so that no layer may try its requests again.
 *
 * A set costs one PUT where the tag is known and LIST, GET and PUT where not, a read one GET where
 * the tag is known and LIST and GET where not, whatever the history's length. Disposing it leaves the
 * bucket open.
 *
 * @throws INVALID_ARGUMENT for a namespace, actor or client that a manifest can't hold.
 *
 * @example
 * const tags = tagLog(bucket, { checkTarget: durableTargets(store) });
 * await tags.append("models/prod", digest, { expect: 6, reason: "passed the checks" });
 */
export function tagLog(bucket: Bucket, options: TagLogOptions): TagLog {
  const namespace = checkNamespace(options.namespace ?? "default");
  const limits: TagLimits = { ...tagLimitsDefault, ...options.limits };
  const clock = options.clock ?? systemClock;
  const mintNonce = options.mintNonce ?? ((): string => randomBytes(16).toString("hex"));
  const keys = logKeys(namespace, options.kind ?? "tags");
  const entries = entriesOf(bucket, namespace, keys);
  const calls = createCalls(limits, clock, options.random ?? Math.random, bucket.name);
  const unsafeSingleWriter = options.unsafeSingleWriter ?? false;
  checkWriter(options);
  const context: LogContext = {
    bucket,
    namespace,
    keys,
    entries,
    heads: createHeads(bucket, entries, calls, limits, clock),
    calls,
    format: metadataFormat(bucket, calls, { clock, mintNonce, unsafeSingleWriter }),
    limits,
    clock,
    client: options.client ?? "bitstore",
    actor: options.actor ?? "unknown",
    mintNonce,
  };
  const queue = keyedQueue();

  async function write(tag: string, change: Change, call: TagWriteOptions): Promise<TagEntry> {
    if (!bucket.capabilities.write) throw readOnly(bucket.name, change.op);
    await context.format.beforeWrite(call);
    const attempt = { nonce: call.nonce ?? mintNonce(), deadlineMs: calls.deadline() };
    const base = call.base ?? context.heads.known(tag)?.seq ?? 0;
    const committed = queue.run(tag, () => commit(context, tag, change, call, attempt));
    try {
      return await orAborted(committed, call.signal, change.op, tag);
    } catch (error) {
      // It may have been written all the same; whoever wants it still is to go on with its nonce.
      if (!call.signal?.aborted || !isStoreError(error)) throw error;
      throw withRetry(error, { nonce: attempt.nonce, base });
    }
  }

  /** Says what a digest is tagged as; undefined where the blob is not there and may not be tagged. */
  async function targetOf(digest: Digest, call: TagSetOptions): Promise<TagTarget | undefined> {
    const mediaType = call.mediaType === undefined ? {} : { mediaType: call.mediaType };
    const found = await options.checkTarget(digest, { signal: call.signal });
    if (found === undefined) return call.force === true ? { digest, ...mediaType } : undefined;
    const { size, alsoKnownAs = [] } = found;
    return {
      digest,
      ...(size === undefined ? {} : { size }),
      ...mediaType,
      ...(alsoKnownAs.length === 0 ? {} : { alsoKnownAs }),
    };
  }

  /** Points a tag to a blob, by a set or a rollback. */
  async function point(
    tag: string,
    digest: Digest,
    how: Pick<Change, "op" | "restored" | "annotations">,
    call: TagSetOptions,
  ): Promise<TagEntry> {
    const target = await targetOf(digest, call);
    const { mediaType } = call;
    const named: TagTarget = { digest, ...(mediaType === undefined ? {} : { mediaType }) };
    const change: Change = { ...how, target: () => target ?? named, needsLive: false };
    if (target !== undefined) return await write(tag, change, call);
    // A write that is tried again may have succeeded while the blob was still there.
    const written = await findWritten(context, tag, change, call);
    if (written === undefined) throw absentTarget(tag, digest, how.op, bucket.name);
    return written;
  }

  async function get(
    tag: string,
    seq: number,
    call: CallOptions = {},
  ): Promise<TagEntry | undefined> {
    parseTagName(tag);
    checkSeq(seq, 1, tag, "get");
    await context.format.beforeRead(call);
    return await calls.retried(requestOf("get", tag, call), calls.deadline(), (each) =>
      entries.read(tag, seq, each),
    );
  }

  return {
    name: `${bucket.name}: ${namespace}`,
    namespace,
    async head(tag, call = {}) {
      parseTagName(tag);
      await context.format.beforeRead(call);
      const request = requestOf("head", tag, call);
      return (await context.heads.read(tag, request, calls.deadline(), call.maxAgeMs)).entry;
    },
    get,
    async asOf(tag, time, call = {}) {
      parseTagName(tag);
      if (Number.isNaN(time.getTime())) throw noTime(tag);
      await context.format.beforeRead(call);
      return await asOf(context, tag, time.getTime(), call);
    },
    async append(tag, digest, call = {}) {
      parseTagName(tag);
      checkWrite(call, tag, "set");
      return await point(tag, digest, { op: "set", annotations: call.annotations }, call);
    },
    async annotate(tag, annotations, call = {}) {
      parseTagName(tag);
      checkWrite({ ...call, annotations }, tag, "annotate");
      const target: Change["target"] = (current) => current?.target;
      return await write(tag, { op: "annotate", target, annotations, needsLive: true }, call);
    },
    async remove(tag, call = {}) {
      parseTagName(tag);
      checkWrite(call, tag, "delete");
      return await write(tag, { op: "delete", target: () => undefined, needsLive: true }, call);
    },
    async rollback(tag, seq, call = {}) {
      parseTagName(tag);
      checkWrite(call, tag, "restore");
      const old = await get(tag, seq, call);
      if (old === undefined) throw absentEntry(tag, seq, bucket.name);
      if (old.target === undefined) throw tombstone(tag, seq, bucket.name);
      const { digest, mediaType } = old.target;
      const how = { op: "restore", restored: seq, annotations: old.annotations } as const;
      return await point(tag, digest, how, { ...call, mediaType });
    },
    async *history(tag, call = {}) {
      parseTagName(tag);
      if (call.before !== undefined) checkSeq(call.before, 1, tag, "history");
      await context.format.beforeRead(call);
      yield* history(context, tag, call);
    },
    async *list(call = {}) {
      if (call.startAfter !== undefined) parseTagName(call.startAfter);
      await context.format.beforeRead(call);
      yield* listTags(context, call);
    },
    async *watch(tag, call = {}) {
      parseTagName(tag);
      if (call.since !== undefined) checkSeq(call.since, 0, tag, "watch");
      yield* watch(context, tag, call);
    },
    async verify(tag, call = {}) {
      parseTagName(tag);
      await context.format.beforeRead(call);
      return await verifyLog(context, tag, call);
    },
    async [Symbol.asyncDispose]() {
      // The bucket is its owner's: the blobs' records may lie in it too.
    },
  };
}

function withRetry(error: StoreError, retry: TagRetry): StoreError {
  const { code, operation, subject, source, persistence, detail: message } = error;
  const options = { code, operation, subject, source, persistence, message, cause: error };
  return Object.assign(new StoreError(options), { retry });
}

function readOnly(source: string, operation: string): StoreError {
  const message = "the metadata can only be read";
  return new StoreError({ code: "UNSUPPORTED", operation, source, message });
}

function noTime(subject: string): StoreError {
  const message = "it is no time";
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "asOf", subject, message });
}

function absentTarget(tag: string, digest: Digest, operation: string, source: string): StoreError {
  return new StoreError({
    code: "NOT_FOUND",
    operation,
    subject: tag,
    source,
    message: `${digest} is not at the origin; put it first, or tag it by force`,
  });
}

function absentEntry(tag: string, seq: number, source: string): StoreError {
  const message = `it has no sequence ${seq}`;
  return new StoreError({ code: "NOT_FOUND", operation: "restore", subject: tag, source, message });
}

function tombstone(tag: string, seq: number, source: string): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "restore",
    subject: tag,
    source,
    message: `sequence ${seq} deleted the tag; choose one that set it`,
  });
}
