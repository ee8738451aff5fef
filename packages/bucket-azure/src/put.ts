import type { BlockBlobUploadOptions } from "@azure/storage-blob";
import {
  abortedError,
  type Body,
  checkPutOptions,
  checkSize,
  type PutOptions,
  type PutOutcome,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import { objectBytesMax } from "./block-bytes.ts";
import { type BodyReader, bodyReader } from "./body-reader.ts";
import { checkAzureKey } from "./check-azure-key.ts";
import { markOf, putMark } from "./object-info.ts";
import type { Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { settlePut } from "./settle-put.ts";
import { bufferOf, type Conditions, type Upload } from "./upload.ts";
import { uploadBlocks } from "./upload-blocks.ts";
import { etagOf } from "./versions.ts";

/**
 * Stores an object: in one request where it fits into a part, else in blocks that one conditional
 * request makes visible. The body is read to its end before that request, so that one that throws
 * or lies about its size leaves nothing behind.
 */
export async function putObject(
  service: Service,
  settings: Settings,
  key: string,
  body: Body,
  options: PutOptions,
): Promise<PutOutcome> {
  checkAzureKey(key, "put", service.name);
  checkPutOptions(options, key, service.name);
  checkLimit(body instanceof Uint8Array ? body.byteLength : options.size, key, service.name);
  throwIfAborted(options.signal, "put", key);
  if (body instanceof Uint8Array) checkSize(body.byteLength, options.size, key, service.name);
  const conditions = conditionsOf(options, key, service.name);
  const upload: Upload = { key, options, conditions, uploadId: settings.uploadId() };
  const reader = bodyReader(body);
  const { signal } = options;
  const onAbort = (): void => {
    if (signal !== undefined) reader.stop(abortedError("put", signal, key));
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await send(service, settings, upload, reader);
  } catch (error) {
    reader.stop(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

async function send(
  service: Service,
  settings: Settings,
  upload: Upload,
  reader: BodyReader,
): Promise<PutOutcome> {
  const { key, options, conditions } = upload;
  const first = await reader.take(settings.partBytes);
  if (await reader.ended()) {
    checkSize(first.byteLength, options.size, key, service.name);
    return settlePut(service, settings, upload, (container) =>
      container.getBlockBlobClient(key).upload(bufferOf(first), first.byteLength, {
        ...writeOptions(settings, upload, "whole"),
        conditions,
      }),
    );
  }
  const blockIds = await uploadBlocks(service, settings, upload, reader, first);
  return settlePut(service, settings, upload, (container) =>
    container.getBlockBlobClient(key).commitBlockList([...blockIds], {
      ...writeOptions(settings, upload, "blocks"),
      conditions,
    }),
  );
}

function conditionsOf(options: PutOptions, key: string, source: string): Conditions {
  if (options.ifAbsent === true) return { ifNoneMatch: "*" };
  if (options.ifVersion === undefined) return {};
  return { ifMatch: etagOf(options.ifVersion, "put", source, key) };
}

/** The options that a whole upload and a commit have in common. */
function writeOptions(
  { customerProvidedKey, encryptionScope, accessTier }: Settings,
  { options, uploadId }: Upload,
  how: "whole" | "blocks",
): Omit<BlockBlobUploadOptions, "conditions"> {
  const { contentType, signal } = options;
  return {
    metadata: { [putMark]: markOf(how, uploadId) },
    ...(signal === undefined ? {} : { abortSignal: signal }),
    ...(contentType === undefined ? {} : { blobHTTPHeaders: { blobContentType: contentType } }),
    ...(customerProvidedKey === undefined ? {} : { customerProvidedKey }),
    ...(encryptionScope === undefined ? {} : { encryptionScope }),
    ...(accessTier === undefined ? {} : { tier: accessTier }),
  };
}

function checkLimit(size: number | undefined, key: string, source: string): void {
  if (size === undefined || size <= objectBytesMax) return;
  throw new StoreError({
    code: "TOO_LARGE",
    operation: "put",
    subject: key,
    source,
    message: `${size} bytes are more than the ${objectBytesMax} that Azure takes`,
  });
}
