import type { Bucket } from "@bitstore/core";
import { bucketPresence } from "./bucket-presence.ts";
import { cleanups } from "./cleanups.ts";
import { deleteObject } from "./delete-object.ts";
import { headObject } from "./head-object.ts";
import { listObjects, listPrefixes } from "./list-objects.ts";
import { putObject } from "./put-object.ts";
import { readObject } from "./read-object.ts";
import type { S3BucketOptions } from "./s3-bucket-options.ts";
import type { S3Context } from "./s3-context.ts";
import { s3Session } from "./s3-session.ts";
import { resolveSettings } from "./s3-settings.ts";

/**
 * Makes a bucket of S3 or one of its clones. No request is sent before the first operation.
 *
 * An object's version is its entity tag without quotes. Objects above `partBytes` go in parts, of
 * which `partsInFlightMax` are in memory; smaller ones are collected first and sent in one request,
 * signed with their SHA-256, so that the service checks what arrives. Nothing is retried but a part
 * of an upload and what ends one. Disposing closes all connections, also those of open reads.
 *
 * @throws CONFIG_INVALID for options that could not work.
 */
export function s3Bucket(options: S3BucketOptions): Bucket {
  const settings = resolveSettings(options);
  const session = s3Session(settings);
  const context: S3Context = {
    settings,
    session,
    presence: bucketPresence(session, settings),
    cleanups: cleanups(settings.clock, settings.abortWaitMs),
  };
  return {
    name: settings.name,
    service: settings.endpoint ?? "https://s3.amazonaws.com",
    capabilities: settings.capabilities,
    serviceTime: session.serviceTime,
    head: (key, o = {}) => headObject(context, key, o),
    read: (key, o = {}) => readObject(context, key, o),
    put: (key, body, o = {}) => putObject(context, key, body, o),
    delete: (key, o = {}) => deleteObject(context, key, o),
    list: (prefix, o = {}) => listObjects(context, prefix, o),
    listPrefixes: (prefix, o = {}) => listPrefixes(context, prefix, o),
    async [Symbol.asyncDispose]() {
      await context.cleanups.drain();
      session.dispose();
    },
  };
}
