import { randomBytes, randomInt } from "node:crypto";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Bucket,
  type BucketCapabilities,
  type Clock,
  checkKey,
  checkPutOptions,
  checkRange,
  systemClock,
  throwIfAborted,
} from "@bitstore/core";
import { deleteObject } from "./delete-object.ts";
import { type KeyLock, keyLock } from "./key-lock.ts";
import { listObjects, listPrefixes } from "./list-objects.ts";
import type { FsContext } from "./place.ts";
import { putObject } from "./put-object.ts";
import { headObject, readObject } from "./read-object.ts";
import { removeStale } from "./remove-stale.ts";
import type { RootMemory } from "./root-memory.ts";
import { openRoot, temporaryFolder } from "./root.ts";

export interface FsBucketOptions {
  /** The directory; a relative path is resolved against the working directory, once. */
  readonly root: string;
  /**
   * Makes the directory at once if it is not there. Without it the first put does, and until then
   * every read, list and delete is UNAVAILABLE, so that a mistyped path is no empty bucket.
   */
  readonly create?: boolean | undefined;
  /**
   * Remembers elsewhere that the directory was there. One that was, and is gone or blank, is
   * UNAVAILABLE then and never made anew; without it nobody can tell that from a new one.
   */
  readonly memory?: RootMemory | undefined;
  /** Makes every acknowledged write durable; true if left out. False is for tests and caches. */
  readonly fsync?: boolean | undefined;
  /** Whether names are written without upper case and accents; probed if left out. */
  readonly foldNames?: boolean | undefined;
  /** Milliseconds after which a writer that holds a key's lock is taken for dead. */
  readonly lockStaleMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

const capabilities: BucketCapabilities = {
  write: true,
  delete: true,
  list: true,
  rangeRead: true,
  createIfAbsent: true,
  replaceIfMatch: true,
  objectBytesMax: Number.MAX_SAFE_INTEGER,
  keyBytesMax: 1024,
};

/** A holder of a lock needs milliseconds; a machine that stalls for five seconds is worse off. */
const lockStaleMsDefault = 5_000;

/**
 * Opens a directory as a bucket. An object is a file whose path is its key (see key-path.ts for the
 * keys that are no good paths); files that no key maps to are not seen. Any number of processes may
 * use one directory at once: puts are atomic, `ifAbsent` and `ifVersion` have one winner. It needs
 * a file system with hard links, and keeps its temporary files in `.tmp-bitstore` under the root.
 *
 * It opens whatever the disk is like: that the root is no directory, or may not be made, is told by each
 * operation, since it may be put right meanwhile.
 */
export async function fsBucket(options: FsBucketOptions): Promise<Bucket> {
  const path = resolve(options.root);
  const name = pathToFileURL(path.endsWith("/") ? path : `${path}/`).href;
  const clock = options.clock ?? systemClock;
  const fsync = options.fsync ?? true;
  const { memory } = options;
  const root = openRoot({ path, name, fsync, foldNames: options.foldNames, memory });
  const nonce = (): string => randomBytes(12).toString("hex");
  const lock = (): KeyLock =>
    keyLock({
      directory: root.join([temporaryFolder]),
      source: name,
      clock,
      nonce,
      lockStaleMs: options.lockStaleMs ?? lockStaleMsDefault,
    });
  // The fraction tells apart the versions of two files that are made within a millisecond.
  const nowMs = (): number => Date.now() + randomInt(1000) / 1000;
  const context: FsContext = { name, root, lock, fsync, nonce, nowMs };
  await open(context, options.create === true);

  return {
    name,
    capabilities,
    service: "file:",
    serviceTime: () => new Date(),
    async head(key, call = {}) {
      checkKey(key, capabilities.keyBytesMax, "head", name);
      throwIfAborted(call.signal, "head", key);
      return await headObject(context, key);
    },
    async read(key, call = {}) {
      checkKey(key, capabilities.keyBytesMax, "read", name);
      checkRange(call.range, "read", key);
      throwIfAborted(call.signal, "read", key);
      return await readObject(context, key, call);
    },
    async put(key, body, call = {}) {
      checkKey(key, capabilities.keyBytesMax, "put", name);
      checkPutOptions(call, key, name);
      throwIfAborted(call.signal, "put", key);
      return await putObject(context, key, body, call);
    },
    async delete(key, call = {}) {
      checkKey(key, capabilities.keyBytesMax, "delete", name);
      throwIfAborted(call.signal, "delete", key);
      return await deleteObject(context, key, call);
    },
    list: (prefix, call = {}) => listObjects(context, prefix, call),
    listPrefixes: (prefix, call = {}) => listPrefixes(context, prefix, call),
    async [Symbol.asyncDispose]() {
      // Nothing is held between calls.
    },
  };
}

async function open({ root }: FsContext, create: boolean): Promise<void> {
  try {
    if (create) await root.ensure();
    else await root.check();
    await removeStale(root.join([temporaryFolder]), Date.now());
  } catch {
    // Whatever is asked of it looks again, and tells.
  }
}
