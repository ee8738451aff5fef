import { LRUCache } from "lru-cache";
import { untilAborted } from "../abort.ts";
import { type Body, collectCopy, openBody } from "../bytes.ts";
import { type Content, contentOfBytes } from "../content.ts";
import { publishAlarm } from "../diagnostics.ts";
import { algorithmOf, algorithms, defaultAlgorithm, type Digest } from "../digest.ts";
import { StoreError, throwIfAborted } from "../errors.ts";
import { digestOf } from "../hasher.ts";
import { checkRange, resolveRange } from "../range.ts";
import type { BlobPutOptions, BlobStore, OpenOptions, PutResult } from "../source.ts";
import { verifyBytes } from "../verify.ts";
import { vouchFor } from "./held-bytes.ts";

export interface MemoryCacheOptions {
  /** Bytes of all blobs together; the least recently used go first. */
  readonly bytesMax: number;
  /** Bytes of the largest blob that is kept, an eighth of all unless given; TOO_LARGE above it. */
  readonly entryBytesMax?: number | undefined;
  readonly name?: string | undefined;
}

/** Bytes that an entry takes beside its blob: its digest, its place in the list, its array. */
const entryOverheadBytes = 400;

/**
 * Makes a store in memory that keeps within a budget: the first cache tier of a process. It verifies
 * a copy of its own of what it is given, so a composite that asks it first hands its bytes out without
 * hashing them again. They are the cache's own: a reader that writes into them spoils later reads.
 */
export function memoryCache(options: MemoryCacheOptions): BlobStore {
  const name = options.name ?? "memory:";
  const entryBytesMax = options.entryBytesMax ?? Math.floor(options.bytesMax / 8);
  const blobs = new LRUCache<Digest, Uint8Array>({
    maxSize: options.bytesMax,
    sizeCalculation: ({ byteLength }) => byteLength + entryOverheadBytes,
  });

  async function put(body: Body, call: BlobPutOptions = {}): Promise<PutResult> {
    const declared = body instanceof Uint8Array ? body.byteLength : call.size;
    if (declared !== undefined && declared > entryBytesMax) throw tooLarge(name, entryBytesMax);
    throwIfAborted(call.signal, "put", call.digest);
    const stream = untilAborted(openBody(body), call.signal, "put", call.digest);
    // The caller's array may be rewritten, and a view would keep all of the buffer that it is cut
    // from, which the budget knows nothing of. It is the copy that is verified.
    const bytes = await collectCopy(stream, entryBytesMax);
    if (call.size !== undefined && call.size !== bytes.byteLength) {
      throw new StoreError({
        code: "INVALID_ARGUMENT",
        operation: "put",
        source: name,
        message: `the body has ${bytes.byteLength} bytes where ${call.size} were declared`,
      });
    }
    if (call.digest !== undefined) await verifyBytes(bytes, call.digest, "put", name);
    const digest = call.digest ?? (await digestOf(bytes, call.algorithm ?? defaultAlgorithm));
    const size = bytes.byteLength;
    if (await isRight(digest)) return { digest, size, outcome: "existed" };
    blobs.set(digest, bytes);
    return { digest, size, outcome: "created" };
  }

  async function open(digest: Digest, call?: OpenOptions): Promise<Content | undefined> {
    checkRange(call?.range, "open", digest);
    throwIfAborted(call?.signal, "open", digest);
    const bytes = blobs.get(digest);
    if (bytes === undefined) return undefined;
    const size = bytes.byteLength;
    const range = resolveRange(call?.range, size, "open", digest);
    return contentOfBytes(
      { size, range, source: name, role: "cache", version: digest },
      bytes.subarray(range.start, range.end),
    );
  }

  /** Tells whether the right bytes are there. Nothing lies between memory and a read: one suffices. */
  async function isRight(digest: Digest): Promise<boolean> {
    const bytes = blobs.get(digest);
    if (bytes === undefined) return false;
    try {
      await verifyBytes(bytes, digest, "put", name);
      return true;
    } catch (error) {
      const found = await digestOf(bytes, algorithmOf(digest));
      const size = bytes.byteLength;
      const about = { store: name, key: digest, version: digest, size, found, reads: 1 };
      const provenance = { ...about, foundBy: "put", foundAt: undefined, kept: undefined };
      publishAlarm({ kind: "copy-quarantined", subject: digest, source: name, error, provenance });
      return false;
    }
  }

  return {
    name,
    capabilities: { algorithms, stat: true, rangeRead: true, put: true, delete: true, list: true },
    async stat(digest, call) {
      throwIfAborted(call?.signal, "stat", digest);
      const bytes = blobs.get(digest);
      return bytes === undefined ? undefined : { digest, size: bytes.byteLength };
    },
    open: vouchFor(open, { get: (digest) => blobs.get(digest) }),
    put,
    async delete(digest, call) {
      throwIfAborted(call?.signal, "delete", digest);
      return blobs.delete(digest);
    },
    async *list(call) {
      const digests = [...blobs.keys()].sort();
      for (const digest of digests) {
        throwIfAborted(call?.signal, "list");
        if (call?.startAfter !== undefined && digest <= call.startAfter) continue;
        const bytes = blobs.peek(digest);
        if (bytes !== undefined) yield { digest, size: bytes.byteLength };
      }
    },
    async [Symbol.asyncDispose]() {
      blobs.clear();
    },
  };
}

function tooLarge(source: string, entryBytesMax: number): StoreError {
  const message = `a blob of more than ${entryBytesMax} bytes is not kept in this cache`;
  return new StoreError({ code: "TOO_LARGE", operation: "put", source, message });
}
