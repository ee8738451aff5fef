import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import type { Bucket, ObjectInfo } from "../bucket.ts";
import { type Body, openBody } from "../bytes.ts";
import { algorithmOf, defaultAlgorithm, type Descriptor, type Digest } from "../digest.ts";
import { isStoreError, StoreError } from "../errors.ts";
import type { Layout } from "../layout.ts";
import type {
  BlobListOptions,
  BlobPutOptions,
  BlobStore,
  CallOptions,
  OpenOptions,
  PutResult,
} from "../source.ts";
import { verifyBytes, verifyStream } from "../verify.ts";
import { formatGuard } from "./format.ts";
import { hashToFile } from "./hash-to-file.ts";

interface CheckedBody {
  readonly body: Body;
  /** Bytes of the last pass over the body. */
  size(): number;
}

export interface BucketStoreOptions {
  /** The name that messages and reports give the store; the bucket's name if left out. */
  readonly name?: string | undefined;
  /** Bytes of a put without a digest that are kept in memory while they are hashed. */
  readonly memoryBytesMax?: number | undefined;
  /** Bytes of the longest put without a digest. */
  readonly spoolBytesMax?: number | undefined;
  readonly spoolDirectory?: string | undefined;
}

const memoryBytesMaxDefault = 4 * 2 ** 20;
/** Sixty-four gibibytes: more than a temporary folder usually has, so that the disk decides. */
const spoolBytesMaxDefault = 64 * 2 ** 30;
/** Above this size a put asks first whether the object is there, rather than send it in vain. */
const askFirstBytes = 2 ** 20;

/**
 * Makes a store of a bucket: the only place that maps digests to keys and hashes what is put. Reads
 * are handed out as the bucket gives them; verify them with `verified` or in a composite. A put
 * stores nothing where the bytes don't match, and never rewrites an object that is right: where one
 * is there, its size and the provider's MD5 are compared, or else it is read back; a wrong one is
 * replaced under its version.
 */
export function bucketStore(
  bucket: Bucket,
  layout: Layout,
  options: BucketStoreOptions = {},
): BlobStore {
  const name = options.name ?? bucket.name;
  const { capabilities } = bucket;
  const guard = formatGuard(bucket, layout.root, layout);
  const holds = (digest: Digest): boolean => layout.algorithms.includes(algorithmOf(digest));

  async function put(body: Body, call: BlobPutOptions = {}): Promise<PutResult> {
    if (!capabilities.write) throw unsupported("put", name);
    const algorithm = call.digest ? algorithmOf(call.digest) : (call.algorithm ?? defaultAlgorithm);
    if (!layout.algorithms.includes(algorithm)) {
      throw unsupported("put", name, `it holds ${layout.algorithms.join(", ")}, not ${algorithm}`);
    }
    await guard.beforeWrite(call);
    if (call.digest !== undefined) return await putVerified(body, call.digest, call);
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
    return await putVerified(hashed.body, hashed.digest, { ...call, size: hashed.size });
  }

  async function putVerified(
    body: Body,
    digest: Digest,
    { size, signal }: BlobPutOptions,
  ): Promise<PutResult> {
    const key = layout.key(digest);
    const write = { size: body instanceof Uint8Array ? body.byteLength : size, signal };
    if ((write.size ?? askFirstBytes) >= askFirstBytes) {
      const there = await bucket.head(key, { signal });
      // Only a right copy spares the upload; the body is still the caller's word, so it is checked.
      if (there !== undefined && (await isRight(there, digest, body, signal))) {
        return { digest, size: there.size, outcome: "existed" };
      }
    }
    const checked = await checkedBody(body, digest, size);
    const ifAbsent = capabilities.createIfAbsent;
    if ((await bucket.put(key, checked.body, { ...write, ifAbsent })) !== "existed") {
      return { digest, size: checked.size(), outcome: "created" };
    }
    return await settle(key, digest, checked, write);
  }

  /** Wraps a body so that a bucket never sees the end of one that the digest does not name. */
  async function checkedBody(
    body: Body,
    digest: Digest,
    size: number | undefined,
  ): Promise<CheckedBody> {
    if (body instanceof Uint8Array) {
      if (size !== undefined && size !== body.byteLength)
        throw wrongSize(name, size, body.byteLength);
      await verifyBytes(body, digest, "put", name);
      return { body, size: () => body.byteLength };
    }
    let sent = 0;
    const stream = async function* (): AsyncGenerator<Uint8Array, void, void> {
      sent = 0;
      for await (const chunk of verifyStream(openBody(body), digest, "put", name, size)) {
        sent += chunk.byteLength;
        yield chunk;
      }
    };
    return { body: stream, size: () => sent };
  }

  /** Decides what an object that is in the way is: the right bytes, gone again, or to be replaced. */
  async function settle(
    key: string,
    digest: Digest,
    checked: CheckedBody,
    write: { readonly size: number | undefined; readonly signal: AbortSignal | undefined },
  ): Promise<PutResult> {
    const there = await bucket.head(key, { signal: write.signal });
    if (there !== undefined && (await isRight(there, digest, checked.body, write.signal))) {
      return { digest, size: there.size, outcome: "existed" };
    }
    if (there !== undefined && !capabilities.replaceIfMatch) {
      throw new StoreError({
        code: "PRECONDITION_FAILED",
        operation: "put",
        subject: digest,
        source: name,
        message: "a wrong object is in the way, and this bucket can't replace one version safely",
      });
    }
    const condition = there === undefined ? { ifAbsent: true } : { ifVersion: there.version };
    const outcome = await bucket.put(key, checked.body, { ...write, ...condition });
    // Somebody else was there first again: what is there now has to be looked at once more.
    if (outcome === "existed") return await settle(key, digest, checked, write);
    return { digest, size: checked.size(), outcome: "created" };
  }

  /** Tells whether an object holds what the digest names, by the cheapest proof there is. */
  async function isRight(
    info: ObjectInfo,
    digest: Digest,
    body: Body,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (info.md5 !== undefined) {
      const md5 = createHash("md5");
      let size = 0;
      for await (const chunk of verifyStream(openBody(body), digest, "put", name)) {
        md5.update(chunk);
        size += chunk.byteLength;
      }
      return size === info.size && md5.digest("hex") === info.md5;
    }
    const content = await bucket.read(info.key, { ifVersion: info.version, signal });
    if (content === undefined) return false;
    try {
      for await (const _ of verifyStream(content.body, digest, "put", name));
      // What was put must be what the digest names as well, or a wrong body would be acknowledged.
      for await (const _ of verifyStream(openBody(body), digest, "put"));
      return true;
    } catch (error) {
      if (isStoreError(error, "DIGEST_MISMATCH") && error.source === name) return false;
      throw error;
    }
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
      await guard.beforeRead(call);
      const info = await bucket.head(layout.key(digest), { signal: call.signal });
      return info === undefined ? undefined : { digest, size: info.size };
    },
    async open(digest: Digest, { range, version, signal }: OpenOptions = {}) {
      if (!holds(digest)) return undefined;
      await guard.beforeRead({ signal });
      return await bucket.read(layout.key(digest), { range, ifVersion: version, signal });
    },
    put,
    async delete(digest: Digest, call: CallOptions = {}) {
      if (!capabilities.delete) throw unsupported("delete", name);
      if (!holds(digest)) return false;
      await guard.beforeWrite(call);
      return await bucket.delete(layout.key(digest), { signal: call.signal });
    },
    list,
    [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose](),
  };
}

function unsupported(operation: string, source: string, message?: string): StoreError {
  const fallback = `this store can't ${operation}`;
  return new StoreError({ code: "UNSUPPORTED", operation, source, message: message ?? fallback });
}

function wrongSize(source: string, declared: number, actual: number): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "put",
    source,
    message: `the body has ${actual} bytes where ${declared} were declared`,
  });
}
