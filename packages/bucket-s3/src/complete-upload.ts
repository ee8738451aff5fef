import { createHash } from "node:crypto";
import { CompleteMultipartUploadCommand } from "@aws-sdk/client-s3";
import { isStoreError, type PutOutcome, type StoreError } from "@bitstore/core";
import { versionOf } from "./entity-tag.ts";
import { headObject } from "./head-object.ts";
import { checkStored, outcomeOf, type Put } from "./one-put.ts";
import { pause } from "./repeat-part.ts";
import type { S3Context } from "./s3-context.ts";

/** Milliseconds without a byte: joining the parts of a large object takes some services minutes. */
const completeIdleMs = 600_000;

/** Failures after which the parts have to be sent again, which only a new put can do. */
const needsNewUpload: ReadonlySet<string | undefined> = new Set([
  "ConditionalRequestConflict",
  "NoSuchUpload",
  "InvalidPart",
]);

/** A part that the service holds. */
export interface StoredPart {
  readonly number: number;
  readonly etag: string;
}

/** An upload whose parts are all stored. */
export interface Upload {
  readonly uploadId: string;
  readonly parts: readonly StoredPart[];
  readonly size: number;
}

/**
 * Makes an upload visible. An answer that is lost, or a 200 that turns out to be an error, says
 * nothing of what happened: the object itself does, by its size and by its entity tag, which
 * follows from those of the parts. Only where it is not there is the request repeated.
 */
export function completeUpload(
  context: S3Context,
  put: Put,
  upload: Upload,
  signal: AbortSignal,
): Promise<PutOutcome> {
  const { settings } = context;
  return outcomeOf(context, put, async () => {
    for (let attempts = 1; ; attempts += 1) {
      try {
        await sendComplete(context, put, upload, signal);
        return;
      } catch (error) {
        if (!isStoreError(error)) throw error;
        if (isAnswer(error, attempts)) throw error;
        if (await isThere(context, put, upload, signal)) return;
        const isOver = attempts >= settings.partAttemptsMax || error.persistence !== "transient";
        if (isOver || needsNewUpload.has(error.serviceCode)) throw error;
        await pause(settings, attempts, error, signal, put.key);
      }
    }
  });
}

/**
 * Tells whether an error settles what happened. After the first attempt a condition may have failed
 * because of our own object, and the upload may be unknown because it is complete.
 */
function isAnswer(error: StoreError, attempts: number): boolean {
  if (error.code === "ABORTED") return true;
  if (error.persistence === "transient") return false;
  return attempts === 1;
}

async function sendComplete(
  context: S3Context,
  put: Put,
  { uploadId, parts }: Upload,
  signal: AbortSignal,
): Promise<void> {
  const { session, settings } = context;
  const command = new CompleteMultipartUploadCommand({
    ...settings.inputs.bucket,
    ...settings.inputs.customerKey,
    ...put.condition,
    Key: put.key,
    UploadId: uploadId,
    MultipartUpload: {
      Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })),
    },
  });
  const { ETag } = await session.ask({
    operation: "put",
    subject: put.key,
    signal,
    send: (client, http) => client.send(command, { ...http, requestTimeout: completeIdleMs }),
  });
  checkStored(context, put, ETag);
}

async function isThere(
  context: S3Context,
  { key }: Put,
  { parts, size }: Upload,
  signal: AbortSignal,
): Promise<boolean> {
  const expected = expectedVersion(parts);
  if (expected === undefined) return false;
  try {
    const found = await headObject(context, key, { signal }, "put");
    return found?.size === size && found.version === expected;
  } catch (error) {
    // Not known either: the first error is the one to report, unless the caller has gone.
    if (isStoreError(error, "ABORTED")) throw error;
    return false;
  }
}

/** The MD5 of the parts' MD5s, and their number; undefined where the tags of the parts are none. */
function expectedVersion(parts: readonly StoredPart[]): string | undefined {
  const hash = createHash("md5");
  for (const { etag } of parts) {
    const hex = versionOf(etag);
    if (hex === undefined || !/^[0-9a-f]{32}$/.test(hex)) return undefined;
    hash.update(hex, "hex");
  }
  return `${hash.digest("hex")}-${parts.length}`;
}
