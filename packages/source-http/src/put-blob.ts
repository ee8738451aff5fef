import {
  type Algorithm,
  type Body,
  type BlobPutOptions,
  type Digest,
  type HashLimits,
  hashToFile,
  openBody,
  type PutResult,
  StoreError,
  verifyBytes,
  verifyStream,
} from "@bitstore/core";
import { ask } from "./ask.ts";
import { commonHeaders, failedAnswer, type HttpApi } from "./http-api.ts";
import { openBlob } from "./open-blob.ts";
import { meaningOf, type StatusFailure } from "./status-table.ts";
import type { Asked } from "./transport-error.ts";

/** A body without a digest is kept while it is hashed: in memory, and what is longer in a file. */
const hashLimits: HashLimits = { memoryBytesMax: 4 * 2 ** 20, spoolBytesMax: 64 * 2 ** 30 };

/**
 * Uploads a blob by PUT, create-only where the API knows `If-None-Match: *`. The last chunk is held
 * back until the digest matched, and a body that fails leaves the request incomplete, which a
 * server must discard (RFC 9112, section 8).
 */
export async function putBlob(
  api: HttpApi,
  body: Body,
  algorithm: Algorithm,
  options: BlobPutOptions,
): Promise<PutResult> {
  if (options.digest !== undefined) return await putVerified(api, body, options.digest, options);
  await using hashed = await hashToFile(body, algorithm, hashLimits, options.signal);
  const size = options.size ?? hashed.size;
  return await putVerified(api, hashed.body, hashed.digest, { ...options, size });
}

async function putVerified(
  api: HttpApi,
  body: Body,
  digest: Digest,
  options: BlobPutOptions,
): Promise<PutResult> {
  const asked: Asked = { operation: "put", subject: digest, source: api.source };
  const upload = await checkedUpload(body, digest, options.size, asked);
  const length = upload.length === undefined ? {} : { "content-length": String(upload.length) };
  const kind = { "content-type": "application/octet-stream", "if-none-match": "*" };
  const answer = await ask(api.asking, {
    ...asked,
    method: "PUT",
    url: api.url(digest),
    headers: { ...commonHeaders, ...kind, ...length },
    body: upload.open,
    signal: options.signal,
  }).catch((error: unknown) => {
    throw upload.bodyError() ?? error;
  });
  void answer.drain();
  const { status } = answer;
  if (status === 200 || status === 201 || status === 204) {
    return { digest, size: upload.sent(), outcome: "created" };
  }
  if (status === 412) {
    const size = await reread(api, digest, options);
    if (size !== undefined) return { digest, size, outcome: "existed" };
  }
  throw failedAnswer(api, answer, failureOf(status), asked);
}

/** Reads what is in the way of a put, in the put's slot; DIGEST_MISMATCH where it is wrong. */
async function reread(
  api: HttpApi,
  digest: Digest,
  { signal }: BlobPutOptions,
): Promise<number | undefined> {
  const content = await openBlob(api, digest, { signal }, "put", () => undefined);
  if (content === undefined) return undefined;
  let size = 0;
  for await (const chunk of verifyStream(content.body, digest, "put", api.source)) {
    size += chunk.byteLength;
  }
  return size;
}

function failureOf(status: number): StatusFailure {
  if (status === 202) {
    const message = "the API accepted the blob but has not stored it yet";
    return { kind: "failure", code: "INDETERMINATE", message };
  }
  if (status === 412) {
    const message = "the API says that the blob is there, and has none";
    return { kind: "failure", code: "UNAVAILABLE", message };
  }
  if (status === 422) {
    const message = "the API found that the bytes are not what the digest names";
    return { kind: "failure", code: "DIGEST_MISMATCH", message };
  }
  const meaning = meaningOf(status);
  if (meaning.kind === "failure") return meaning;
  return {
    kind: "failure",
    code: "INTERNAL",
    message: "the API has no place to put it; check url",
  };
}

interface Upload {
  readonly length: number | undefined;
  /** Opens the bytes from their start. */
  readonly open: () => Uint8Array | AsyncIterable<Uint8Array>;
  /** Bytes of the last pass. */
  sent(): number;
  /** What the body itself failed with. */
  bodyError(): unknown;
}

async function checkedUpload(
  body: Body,
  digest: Digest,
  size: number | undefined,
  { operation, source }: Asked,
): Promise<Upload> {
  if (body instanceof Uint8Array) {
    if (size !== undefined && size !== body.byteLength) {
      const message = `the body has ${body.byteLength} bytes where ${size} were declared`;
      throw new StoreError({
        code: "INVALID_ARGUMENT",
        operation,
        subject: digest,
        source,
        message,
      });
    }
    await verifyBytes(body, digest, operation, source);
    const length = body.byteLength;
    return { length, open: () => body, sent: () => length, bodyError: () => undefined };
  }
  let sent = 0;
  let bodyError: unknown;
  async function* open(): AsyncGenerator<Uint8Array, void, void> {
    sent = 0;
    try {
      for await (const chunk of verifyStream(openBody(body), digest, operation, source, size)) {
        sent += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      bodyError = error;
      throw error;
    }
  }
  return { length: size, open, sent: () => sent, bodyError: () => bodyError };
}
