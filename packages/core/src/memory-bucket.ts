import { untilAborted } from "./abort.ts";
import { type Body, collect, openBody } from "./bytes.ts";
import type {
  Bucket,
  BucketCapabilities,
  ListOptions,
  ObjectInfo,
  PutOptions,
  PutOutcome,
  ReadOptions,
} from "./bucket.ts";
import { compareKeys } from "./compare-keys.ts";
import { type Content, contentOfBytes } from "./content.ts";
import { StoreError, throwIfAborted } from "./errors.ts";
import { checkKey, checkPutOptions, checkSize } from "./bucket-checks.ts";
import { checkRange, resolveRange } from "./range.ts";
import type { CallOptions } from "./source.ts";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly version: string;
  readonly modifiedAt: Date;
}

const capabilities: BucketCapabilities = {
  write: true,
  delete: true,
  list: true,
  rangeRead: true,
  createIfAbsent: true,
  replaceIfMatch: true,
  objectBytesMax: 2 ** 32,
  keyBytesMax: 1024,
};

/** A bucket whose objects live as long as it does. */
export interface MemoryBucket extends Bucket {
  /** Number of objects. */
  readonly size: number;
}

/**
 * Makes a bucket in memory: the model that the drivers are held against, and the store of tests and
 * of `memory:`. It has no bound of its own; a bounded cache in memory is {@link memoryCache}. `date` is
 * its service's clock.
 */
export function memoryBucket(name = "memory:", date: () => Date = () => new Date()): MemoryBucket {
  const objects = new Map<string, StoredObject>();
  let versions = 0;

  const conflict = (key: string): StoreError =>
    new StoreError({
      code: "PRECONDITION_FAILED",
      operation: "put",
      subject: key,
      source: name,
      message: "the object is not at the version that was asked for",
    });

  async function put(key: string, body: Body, options: PutOptions = {}): Promise<PutOutcome> {
    checkKey(key, capabilities.keyBytesMax, "put", name);
    checkPutOptions(options, key, name);
    throwIfAborted(options.signal, "put", key);
    const chunks = (async function* () {
      for await (const chunk of untilAborted(openBody(body), options.signal, "put", key)) {
        // Not `slice`, which of a Buffer copies nothing.
        yield new Uint8Array(chunk);
      }
    })();
    const bytes = await collect(chunks, capabilities.objectBytesMax);
    checkSize(bytes.byteLength, options.size, key, name);
    throwIfAborted(options.signal, "put", key);
    const old = objects.get(key);
    if (options.ifAbsent === true && old !== undefined) return "existed";
    if (options.ifVersion !== undefined && old?.version !== options.ifVersion) throw conflict(key);
    versions += 1;
    objects.set(key, { bytes, version: `v${versions}`, modifiedAt: date() });
    return options.ifAbsent === true ? "created" : "replaced";
  }

  const info = (key: string, object: StoredObject): ObjectInfo => ({
    key,
    size: object.bytes.byteLength,
    version: object.version,
    modifiedAt: object.modifiedAt,
    md5: undefined,
    archived: false,
  });

  async function* list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    for (const key of keys) {
      throwIfAborted(options.signal, "list", prefix);
      if (left <= 0) return;
      if (options.startAfter !== undefined && compareKeys(key, options.startAfter) <= 0) continue;
      const object = objects.get(key);
      if (object === undefined) continue;
      left -= 1;
      yield info(key, object);
    }
  }

  return {
    name,
    service: "memory:",
    capabilities,
    get size() {
      return objects.size;
    },
    serviceTime: date,
    async head(key: string, options: CallOptions = {}) {
      checkKey(key, capabilities.keyBytesMax, "head", name);
      throwIfAborted(options.signal, "head", key);
      const object = objects.get(key);
      return object === undefined ? undefined : info(key, object);
    },
    async read(key: string, options: ReadOptions = {}): Promise<Content | undefined> {
      checkKey(key, capabilities.keyBytesMax, "read", name);
      checkRange(options.range, "read", key);
      throwIfAborted(options.signal, "read", key);
      const object = objects.get(key);
      if (object === undefined) return undefined;
      if (options.ifVersion !== undefined && object.version !== options.ifVersion) {
        throw conflict(key);
      }
      const size = object.bytes.byteLength;
      const range = resolveRange(options.range, size, "read", key);
      return contentOfBytes(
        { size, range, source: name, version: object.version },
        object.bytes.subarray(range.start, range.end),
      );
    },
    put,
    async delete(key: string, options: CallOptions = {}) {
      checkKey(key, capabilities.keyBytesMax, "delete", name);
      throwIfAborted(options.signal, "delete", key);
      return objects.delete(key);
    },
    list,
    async *listPrefixes(prefix: string, options: ListOptions = {}) {
      let last: string | undefined;
      let left = options.limit ?? Number.POSITIVE_INFINITY;
      for await (const { key } of list(prefix, { signal: options.signal })) {
        const slash = key.indexOf("/", prefix.length);
        if (slash < 0) continue;
        const found = key.slice(0, slash + 1);
        if (found === last) continue;
        last = found;
        if (options.startAfter !== undefined && compareKeys(found, options.startAfter) <= 0)
          continue;
        if (left <= 0) return;
        left -= 1;
        yield found;
      }
    },
    async [Symbol.asyncDispose]() {
      // The objects stay: a second handle of the same bucket may be open.
    },
  };
}
