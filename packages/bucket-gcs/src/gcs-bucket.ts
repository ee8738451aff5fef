import {
  type Bucket,
  type BucketCapabilities,
  type CallOptions,
  checkPutOptions,
  checkRange,
  type Content,
  type ListOptions,
  type ObjectInfo,
  type PutOptions,
  type ReadOptions,
  serviceClock,
  StoreError,
  systemClock,
  throwIfAborted,
} from "@bitstore/core";
import { discard } from "./answer.ts";
import { authorizerOf } from "./authorizer.ts";
import { bucketExists } from "./bucket-exists.ts";
import { bucketPresence } from "./bucket-presence.ts";
import { type Call, gcsService } from "./call.ts";
import { checkObjectKey, checkPrefix } from "./check-object-key.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { jsonAnswer, refused } from "./json-answer.ts";
import { listObjects, listPrefixes } from "./list-objects.ts";
import { noSuchBucket } from "./no-such-bucket.ts";
import { infoFields, objectInfo } from "./object-info.ts";
import { type GcsBucketOptions, type GcsCredential, parseOptions } from "./options.ts";
import { putObject } from "./put-object.ts";
import { raceAbort } from "./race-abort.ts";
import { readObject } from "./read-object.ts";
import { relabelled } from "./relabelled.ts";
import { toStoreError } from "./to-store-error.ts";
import { httpTransport } from "./transport.ts";
import type { Uploads } from "./upload.ts";

/** Limits as in https://cloud.google.com/storage/quotas#objects. */
const capabilities: BucketCapabilities = {
  write: true,
  delete: true,
  list: true,
  rangeRead: true,
  createIfAbsent: true,
  replaceIfMatch: true,
  objectBytesMax: 5 * 2 ** 40,
  keyBytesMax: 1024,
};

/**
 * Makes a bucket of Google Cloud Storage, over its JSON API. Nothing is asked before the first
 * operation. Versions are generations. Credentials come from the SDK, which keeps them fresh; the
 * requests are our own, which costs a fifth of the CPU, can be aborted, and keeps connections.
 * Nothing is tried twice but a part of a resumable upload. Rejects at once with CONFIG_INVALID
 * where an option can't be used.
 */
export function gcsBucket(options: GcsBucketOptions): Bucket {
  const settings = parseOptions(options);
  const { name } = settings;
  const { environment = process.env, clock = systemClock, projectId } = options;
  const endpoint = resolveEndpoint(options.endpoint, environment);
  const credentials = credentialsOf(options, endpoint);
  const audience = `${endpoint.origin}/`;
  const authorizer = authorizerOf({ credentials, audience, projectId, name, clock });
  const transport = httpTransport(endpoint, settings.connectionsMax, environment);
  const time = serviceClock(clock);
  const service = gcsService(settings, endpoint, authorizer, transport, time);
  const presence = bucketPresence(() => bucketExists(service, name, clock), clock);
  const listing = { service, name, pageSize: settings.listPageSize };
  const cleanups = new Set<Promise<void>>();
  const { objectBytesMax, keyBytesMax } = capabilities;
  const uploads: Uploads = {
    service,
    settings,
    clock,
    objectBytesMax,
    track: (cleanup) => {
      cleanups.add(cleanup);
      void cleanup.finally(() => cleanups.delete(cleanup));
    },
  };

  const start = (operation: string, key: string, signal: AbortSignal | undefined): void => {
    checkObjectKey(key, keyBytesMax, operation, name);
    throwIfAborted(signal, operation, key);
  };

  /** Resolves where it is the object that is absent; a 404 does not say. */
  async function confirmMiss(operation: string, key: string, signal?: AbortSignal): Promise<void> {
    const exists = await raceAbort(presence.exists(), signal).catch((error: unknown) => {
      throwIfAborted(signal, operation, key);
      throw relabelled(toStoreError(error, operation, name, key), operation, name, key);
    });
    if (!exists) throw noSuchBucket(operation, name, key);
  }

  async function head(key: string, { signal }: CallOptions = {}): Promise<ObjectInfo | undefined> {
    start("head", key, signal);
    const path = service.objectPath(key, { fields: infoFields });
    const call: Call = {
      operation: "head",
      subject: key,
      method: "GET",
      path,
      withKey: true,
      signal,
    };
    const answer = await service.ask(call);
    if (answer.statusCode === 404) {
      discard(answer);
      await confirmMiss("head", key, signal);
      return undefined;
    }
    const info = objectInfo(await jsonAnswer(answer, name, call));
    if (info === undefined) throw notMetadata(name, key);
    presence.seen();
    return info;
  }

  async function read(key: string, given: ReadOptions = {}): Promise<Content | undefined> {
    checkRange(given.range, "read", key);
    start("read", key, given.signal);
    const content = await readObject(service, name, key, given);
    if (content === undefined) await confirmMiss("read", key, given.signal);
    else presence.seen();
    return content;
  }

  async function remove(key: string, { signal }: CallOptions = {}): Promise<boolean> {
    start("delete", key, signal);
    const path = service.objectPath(key, {});
    const call: Call = { operation: "delete", subject: key, method: "DELETE", path, signal };
    const answer = await service.ask(call);
    const status = answer.statusCode;
    if (status !== 200 && status !== 204 && status !== 404) throw await refused(answer, name, call);
    discard(answer);
    if (status === 404) await confirmMiss("delete", key, signal);
    return status !== 404;
  }

  return {
    name,
    capabilities,
    service: endpoint.origin,
    serviceTime: time.now,
    head,
    read,
    async put(key, body, given: PutOptions = {}) {
      checkPutOptions(given, key, name);
      start("put", key, given.signal);
      if ((given.size ?? 0) > objectBytesMax) throw tooLarge(name, key);
      return putObject(uploads, key, body, given);
    },
    delete: remove,
    list(prefix, given: ListOptions = {}) {
      checkPrefix(prefix, given.startAfter, "list", name);
      return listObjects(listing, prefix, given);
    },
    listPrefixes(prefix, given: ListOptions = {}) {
      checkPrefix(prefix, given.startAfter, "listPrefixes", name);
      return listPrefixes(listing, prefix, given);
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(cleanups);
      await transport[Symbol.asyncDispose]();
    },
  };
}

function credentialsOf(options: GcsBucketOptions, { trust }: Endpoint): readonly GcsCredential[] {
  if (options.anonymous === true || trust === "emulator") return ["anonymous"];
  return options.credentials ?? (trust === "google" ? ["default"] : ["anonymous"]);
}

function tooLarge(source: string, subject: string): StoreError {
  return new StoreError({
    code: "TOO_LARGE",
    operation: "put",
    source,
    subject,
    message: `no object may be larger than ${capabilities.objectBytesMax} bytes`,
  });
}

function notMetadata(source: string, subject: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "head",
    source,
    subject,
    message: "the answer is no object's metadata: check `endpoint`",
  });
}
