import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { isStoreError, orAborted } from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import type { StoredPart } from "./complete-upload.ts";
import type { Put } from "./one-put.ts";
import { attempt } from "./repeat-part.ts";
import type { S3Context } from "./s3-context.ts";

/**
 * Starts an upload; resolves to its id. One that is made while its caller goes away is aborted as
 * soon as its id is known, which is why the request itself has no signal.
 */
export async function createUpload(
  context: S3Context,
  put: Put,
  signal: AbortSignal,
): Promise<string> {
  const { inputs, name } = context.settings;
  const { key } = put;
  const input = {
    ...inputs.bucket,
    ...inputs.customerKey,
    ...inputs.storing,
    Key: key,
    ContentType: put.contentType,
  };
  const creating = context.session.ask({
    operation: "put",
    subject: key,
    send: (client, http) => client.send(new CreateMultipartUploadCommand(input), http),
  });
  try {
    const { UploadId } = await orAborted(creating, signal, "put", key);
    if (UploadId !== undefined) return UploadId;
  } catch (error) {
    void context.cleanups.run(async () => {
      const { UploadId } = await creating;
      if (UploadId !== undefined) await abortUpload(context, put, UploadId);
    });
    throw error;
  }
  throw answerError("UNAVAILABLE", "put", { source: name, subject: key }, "the upload has no id");
}

/** One part, complete in memory. */
export interface PartToSend {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Sends one part, several times where the service is busy. */
export async function uploadPart(
  context: S3Context,
  { key }: Put,
  UploadId: string,
  { number, bytes }: PartToSend,
  signal: AbortSignal,
): Promise<StoredPart> {
  const { session, settings } = context;
  const input = {
    ...settings.inputs.bucket,
    ...settings.inputs.customerKey,
    Key: key,
    UploadId,
    PartNumber: number,
    Body: bytes,
    ContentLength: bytes.byteLength,
  };
  const { ETag } = await attempt(settings, signal, key, () =>
    session.ask({
      operation: "put",
      subject: key,
      signal,
      send: (client, http) => client.send(new UploadPartCommand(input), http),
    }),
  );
  if (ETag !== undefined) return { number, etag: ETag };
  const about = { source: settings.name, subject: key };
  throw answerError("UNAVAILABLE", "put", about, `the answer to part ${number} has no entity tag`);
}

/** Removes an upload and its parts. Has no signal: it is needed most where the caller has gone. */
export async function abortUpload(
  { session, settings }: S3Context,
  { key }: Put,
  UploadId: string,
): Promise<void> {
  const command = new AbortMultipartUploadCommand({
    ...settings.inputs.bucket,
    Key: key,
    UploadId,
  });
  await attempt(settings, undefined, key, async () => {
    try {
      await session.ask({
        operation: "put",
        subject: key,
        send: (client, http) => client.send(command, http),
      });
    } catch (error) {
      if (!isStoreError(error) || error.serviceCode !== "NoSuchUpload") throw error;
    }
  });
}
