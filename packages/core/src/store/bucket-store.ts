import { tmpdir } from "node:os";
import type { Bucket } from "../bucket.ts";
import type { Body } from "../bytes.ts";
import { type Clock, systemClock } from "../clock.ts";
import { algorithmOf, defaultAlgorithm, type Descriptor, type Digest } from "../digest.ts";
import { StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import type {
  BlobListOptions,
  BlobPutOptions,
  BlobStore,
  CallOptions,
  OpenOptions,
  PutResult,
} from "../source.ts";
import { isPutAside } from "./format.ts";
import { formatGuard, formatTtlMsDefault } from "./format-guard.ts";
import { hashToFile } from "./hash-to-file.ts";
import { blobPut, wrongSize } from "./put-blob.ts";
import { type QuarantineLimits, quarantineLimitsDefault, quarantineOf } from "./quarantine.ts";
import { trashOf } from "./trash.ts";

export interface BucketStoreOptions {
  /** The name that messages and reports give the store; the bucket's name if left out. */
  readonly name?: string | undefined;
  /** Bytes of a put without a digest that are kept in memory while they are hashed. */
  readonly memoryBytesMax?: number | undefined;
  /** Bytes of the longest put without a digest. */
  readonly spoolBytesMax?: number | undefined;
  readonly spoolDirectory?: string | undefined;
  /**
   * Whether a read brings a blob back that a garbage collector has moved to the trash; true if left
   * out. False for a store that must not be written: its reads are served from the trash itself.
   */
  readonly restores?: boolean | undefined;
  /**
   * Bytes of the largest blob that a read brings back before it answers; 8 MiB. A larger one is read
   * from the trash, and is brought back meanwhile.
   */
  readonly restoreFirstBytesMax?: number | undefined;
  /** Milliseconds after which `_bitstore.json` is read again, by the next call; a minute. */
  readonly formatTtlMs?: number | undefined;
  /** How much is kept of wrong bytes that were found in the place of blobs. */
  readonly quarantine?: Partial<QuarantineLimits> | undefined;
  readonly clock?: Clock | undefined;
}

const memoryBytesMaxDefault = 4 * 2 ** 20;
/** Eight mebibytes: brought back well within the time that layers wait for a first byte. */
const restoreFirstBytesMaxDefault = 8 * 2 ** 20;
/** Sixty-four gibibytes: more than a temporary folder usually has, so that the disk decides. */
const spoolBytesMaxDefault = 64 * 2 ** 30;

/**
 * Makes a store of a bucket: the only place that maps digests to keys and hashes what is put. Reads
 * are handed out as the bucket gives them; verify them with `verified` or in a composite. A put
 * stores nothing where the bytes don't match, and never rewrites an object that is right: where one
 * is there, its size and the provider's MD5 are compared, or else it is read back. One that is wrong
 * in two whole reads is kept aside under `quarantine/`, and then replaced under its version.
 *
 * Where the store's `_bitstore.json` says that a garbage collector works on it, a put also renews
 * what is old, and what is not under its name is looked for in the trash: a LIST for each miss.
 * Disposing waits a few seconds for what is brought back from there.
 */
export function bucketStore(
  bucket: Bucket,
  layout: Layout,
  options: BucketStoreOptions = {},
): BlobStore {
  const name = options.name ?? bucket.name;
  const { capabilities } = bucket;
  const clock = options.clock ?? systemClock;
  const guard = formatGuard(bucket, layout, {
    clock,
    formatTtlMs: options.formatTtlMs ?? formatTtlMsDefault,
  });
  const limits = { ...quarantineLimitsDefault, ...options.quarantine };
  const quarantine = quarantineOf(bucket, layout, { name, limits });
  const putVerified = blobPut(bucket, layout, name, quarantine);
  const trash = trashOf(bucket, layout, {
    name,
    restores: options.restores ?? true,
    restoreFirstBytesMax: options.restoreFirstBytesMax ?? restoreFirstBytesMaxDefault,
    clock,
  });
  const holds = (digest: Digest): boolean => layout.algorithms.includes(algorithmOf(digest));

  async function put(body: Body, call: BlobPutOptions = {}): Promise<PutResult> {
    if (!capabilities.write) throw unsupported("put", name);
    const algorithm = call.digest ? algorithmOf(call.digest) : (call.algorithm ?? defaultAlgorithm);
    if (!layout.algorithms.includes(algorithm)) {
      throw unsupported("put", name, `it holds ${layout.algorithms.join(", ")}, not ${algorithm}`);
    }
    const gc = await guard.beforeWrite(call);
    if (call.digest !== undefined) return await putVerified(body, call.digest, call, gc);
    await using hashed = await hashToFile(
      body,
      algorithm,
      {
        memoryBytesMax: options.memoryBytesMax ?? memoryBytesMaxDefault,
        spoolBytesMax: options.spoolBytesMax ?? spoolBytesMaxDefault,
        spoolDirectory: options.spoolDirectory ?? tmpdir(),
      },
      call.signal,
    );
    if (call.size !== undefined && call.size !== hashed.size) {
      throw wrongSize(name, call.size, hashed.size);
    }
    return await putVerified(hashed.body, hashed.digest, { ...call, size: hashed.size }, gc);
  }

  async function* list(listing: BlobListOptions = {}): AsyncGenerator<Descriptor> {
    if (!capabilities.list) throw unsupported("list", name);
    await guard.beforeRead(listing);
    const { startAfter, signal } = listing;
    for (const algorithm of layout.algorithms) {
      const first = startAfter === undefined ? undefined : algorithmOf(startAfter);
      if (first !== undefined && algorithm < first) continue;
      const after =
        startAfter !== undefined && algorithm === first ? layout.key(startAfter) : undefined;
      const found = bucket.list(layout.prefix(algorithm), { startAfter: after, signal });
      for await (const info of found) {
        // A flat layout lists its whole root, where no blob follows what was put aside.
        if (isPutAside(layout, info.key)) break;
        const digest = layout.digest(info.key);
        if (digest !== undefined) yield { digest, size: info.size };
      }
    }
  }

  return {
    name,
    capabilities: {
      algorithms: layout.algorithms,
      stat: true,
      rangeRead: capabilities.rangeRead,
      put: capabilities.write,
      delete: capabilities.delete,
      list: capabilities.list,
    },
    async stat(digest: Digest, call: CallOptions = {}) {
      if (!holds(digest)) return undefined;
      const gc = await guard.beforeRead(call);
      const info = await bucket.head(layout.key(digest), { signal: call.signal });
      if (info !== undefined) return { digest, size: info.size };
      return gc === undefined ? undefined : await trash.stat(digest, gc, call);
    },
    async open(digest: Digest, call: OpenOptions = {}) {
      if (!holds(digest)) return undefined;
      const { range, version, signal } = call;
      const gc = await guard.beforeRead({ signal });
      const content = await bucket.read(layout.key(digest), { range, ifVersion: version, signal });
      if (content !== undefined || gc === undefined) return content;
      return await trash.open(digest, call);
    },
    put,
    async delete(digest: Digest, call: CallOptions = {}) {
      if (!capabilities.delete) throw unsupported("delete", name);
      if (!holds(digest)) return false;
      const gc = await guard.beforeWrite(call);
      const was = await bucket.delete(layout.key(digest), { signal: call.signal });
      if (gc === undefined) return was;
      return (await trash.delete(digest, gc, call)) || was;
    },
    list,
    async [Symbol.asyncDispose]() {
      await trash[Symbol.asyncDispose]();
      await bucket[Symbol.asyncDispose]();
    },
  };
}

function unsupported(operation: string, source: string, message?: string): StoreError {
  const fallback = `this store can't ${operation}`;
  return new StoreError({ code: "UNSUPPORTED", operation, source, message: message ?? fallback });
}
