import { createHash } from "node:crypto";
import { type Body, type PutOptions, type PutOutcome, StoreError } from "@bitstore/core";
import { discard } from "./answer.ts";
import type { Call } from "./call.ts";
import { isGeneration, staleVersion } from "./generation.ts";
import { jsonAnswer } from "./json-answer.ts";
import { stringField } from "./json-fields.ts";
import { noSuchBucket } from "./no-such-bucket.ts";
import { type Part, partReader } from "./part-reader.ts";
import { putInParts } from "./put-in-parts.ts";
import type { Upload, Uploaded, Uploads } from "./upload.ts";

/** Fields of an answer that say what was stored. */
const storedFields = "generation,size";

/**
 * Stores an object: one request where the body fits into a part, whether its size was declared or
 * not; a resumable upload above that. Options are expected to be checked.
 */
export async function putObject(
  uploads: Uploads,
  key: string,
  body: Body,
  options: PutOptions,
): Promise<PutOutcome> {
  const { settings, objectBytesMax } = uploads;
  const { size, ifAbsent = false, ifVersion, contentType, signal } = options;
  // "0" would mean "absent" to the service.
  if (ifVersion !== undefined && !isGeneration(ifVersion)) {
    throw staleVersion("put", settings.name, key);
  }
  const upload: Upload = {
    ...uploads,
    key,
    contentType: contentType ?? "application/octet-stream",
    query: {
      name: key,
      ifGenerationMatch: ifAbsent ? 0 : ifVersion,
      kmsKeyName: settings.kmsKeyName,
      fields: storedFields,
    },
    signal,
  };
  const { name, partBytes } = settings;
  const parts = partReader(body, { key, name, partBytes, size, objectBytesMax, signal });
  try {
    const first = await parts.next();
    const uploaded = first.last
      ? await putWhole(upload, first)
      : await putInParts(upload, parts, first, size);
    if (uploaded === "stored") return ifAbsent ? "created" : "replaced";
    if (ifAbsent) return "existed";
    throw staleVersion("put", name, key);
  } finally {
    await parts.close();
  }
}

/** Stores a body that is in memory by one request, which is whole or nothing by itself. */
async function putWhole(upload: Upload, { bytes }: Part): Promise<Uploaded> {
  const { service, settings, key, query, signal } = upload;
  const withMetadata = settings.storageClass !== undefined;
  const form = withMetadata ? multipart(upload, bytes) : { type: upload.contentType, bytes };
  const call: Call = {
    operation: "put",
    subject: key,
    method: "POST",
    path: service.uploadPath({ uploadType: withMetadata ? "multipart" : "media", ...query }),
    headers: { "content-type": form.type },
    body: form.bytes,
    withKey: true,
    signal,
  };
  const answer = await service.ask(call);
  if (answer.statusCode === 412 || answer.statusCode === 404) {
    discard(answer);
    if (answer.statusCode === 412) return "refused";
    throw noSuchBucket("put", settings.name, key);
  }
  const stored = await jsonAnswer(answer, settings.name, call);
  checkStored(upload, stored, bytes.byteLength);
  return "stored";
}

/** Throws UNAVAILABLE where the service says that it has stored another number of bytes. */
function checkStored(upload: Upload, stored: unknown, size: number): void {
  const said = stringField(stored, "size");
  if (said === undefined || Number(said) === size) return;
  throw new StoreError({
    code: "UNAVAILABLE",
    operation: "put",
    source: upload.settings.name,
    subject: upload.key,
    message: `the service has stored ${said} bytes of ${size}`,
  });
}

/** Makes the body of an upload that has metadata beside the bytes. */
function multipart(
  { settings, contentType }: Upload,
  bytes: Uint8Array,
): { readonly type: string; readonly bytes: Uint8Array } {
  const md5 = createHash("md5").update(bytes).digest();
  // No text can hold its own digest, so this never is in the bytes.
  const boundary = `bitstore-${md5.toString("hex")}`;
  const { storageClass } = settings;
  const metadata = JSON.stringify({ contentType, storageClass, md5Hash: md5.toString("base64") });
  const whole = Buffer.concat([
    Buffer.from(`--${boundary}\r\ncontent-type: application/json\r\n\r\n${metadata}\r\n`),
    Buffer.from(`--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`),
  ]);
  return { type: `multipart/related; boundary=${boundary}`, bytes: whole };
}
