import type { IncomingMessage } from "node:http";
import { isStoreError, sleep, StoreError, throwIfAborted } from "@bitstore/core";
import { discard, header } from "./answer.ts";
import type { Call } from "./call.ts";
import { deadline } from "./deadline.ts";
import { jsonAnswer, refused } from "./json-answer.ts";
import { stringField } from "./json-fields.ts";
import { noSuchBucket } from "./no-such-bucket.ts";
import type { Part } from "./part-reader.ts";
import type { Upload, Uploaded } from "./upload.ts";

/** A resumable upload that was begun. */
export interface UploadSession {
  /**
   * Sends a part. Resolves when the service has all of it, and has stored the object where it is
   * the last one; `refused` where the condition does not hold. What fails in between is repeated
   * from where the service has got to, since nobody above could do that.
   */
  send(part: Part): Promise<Uploaded>;
  /** Deletes the session, as well as that goes; never rejects. */
  abandon(): Promise<void>;
}

/** Times that one part is tried. */
const partAttemptsMax = 5;
/** Milliseconds for one try of a part: 8 MiB at 70 KiB/s. */
const partTimeoutMs = 120_000;
/** Milliseconds before a second try, doubled for each one after. */
const backoffMs = 250;
/** Milliseconds of the longest wait between tries, also where the service asks for more. */
const backoffMsMax = 16_000;
const removeTimeoutMs = 5_000;

/**
 * Begins a resumable upload, as in
 * https://cloud.google.com/storage/docs/performing-resumable-uploads. The session's URL is a
 * secret: whoever has it can write the object, so it is in no message.
 */
export async function uploadSession(
  upload: Upload,
  size: number | undefined,
): Promise<UploadSession | "refused"> {
  const { service, settings, key, contentType, query, signal } = upload;
  const { storageClass } = settings;
  const call: Call = {
    operation: "put",
    subject: key,
    method: "POST",
    path: service.uploadPath({ uploadType: "resumable", ...query }),
    headers: {
      "content-type": "application/json",
      "x-upload-content-type": contentType,
      ...(size === undefined ? {} : { "x-upload-content-length": String(size) }),
    },
    body: Buffer.from(JSON.stringify({ contentType, storageClass })),
    withKey: true,
    signal,
  };
  const answer = await service.ask(call);
  const { statusCode } = answer;
  if (statusCode === 200 || statusCode === 201 || statusCode === 412 || statusCode === 404) {
    discard(answer);
    if (statusCode === 412) return "refused";
    if (statusCode === 404) throw noSuchBucket("put", settings.name, key);
    const path = service.sessionPath(header(answer, "location") ?? "");
    if (path === undefined || header(answer, "location") === undefined) {
      throw failure(upload, "the service began an upload without saying where: check `endpoint`");
    }
    return sessionAt(upload, path, size);
  }
  throw await refused(answer, settings.name, call);
}

/** What one request to the session has shown. */
type Progress =
  | { readonly kind: "persisted"; readonly bytes: number }
  | { readonly kind: "uploaded"; readonly uploaded: Uploaded }
  /** Asking again may help. */
  | { readonly kind: "failed"; readonly error: StoreError }
  /** The session is of no use any more. */
  | { readonly kind: "broken"; readonly error: StoreError };

function sessionAt(upload: Upload, path: string, size: number | undefined): UploadSession {
  const { service, settings, clock, key, signal } = upload;

  async function put(part: Part, from: number, bytes: Uint8Array): Promise<Progress> {
    const total = part.last ? endOf(part) : size;
    const range = bytes.byteLength === 0 ? "*" : `${from}-${from + bytes.byteLength - 1}`;
    const limit = deadline(clock, partTimeoutMs, "put", settings.name, signal);
    const call: Call = {
      operation: "put",
      subject: key,
      method: "PUT",
      path,
      headers: { "content-range": `bytes ${range}/${total ?? "*"}` },
      body: bytes,
      withKey: true,
      signal: limit.signal,
    };
    try {
      return await progressOf(upload, await service.ask(call), call, part);
    } catch (error) {
      throwIfAborted(signal, "put", key);
      if (!isStoreError(error) || error.persistence !== "transient") throw error;
      return { kind: "failed", error };
    } finally {
      limit.cancel();
    }
  }

  /** Sends what is missing of a part, after asking for that where it is not known. */
  async function attempt(part: Part, known: boolean): Promise<Progress> {
    const end = endOf(part);
    let state: Progress = known
      ? { kind: "persisted", bytes: part.offset }
      : await put(part, end, new Uint8Array());
    while (state.kind === "persisted" && (state.bytes < end || part.last)) {
      const { bytes } = state;
      state = await put(part, bytes, part.bytes.subarray(bytes - part.offset));
      if (state.kind === "persisted" && state.bytes <= bytes) {
        return { kind: "failed", error: failure(upload, "the upload makes no progress") };
      }
    }
    return state;
  }

  async function send(part: Part): Promise<Uploaded> {
    for (let turn = 1; ; turn += 1) {
      // After a failure only the service knows how far it got, or whether it has it all.
      const state = await attempt(part, turn === 1);
      if (state.kind === "uploaded") return state.uploaded;
      if (state.kind === "persisted") return "stored";
      const { kind, error } = state;
      if (kind === "broken" || turn === partAttemptsMax) throw error;
      const delayMs = Math.max(backoffMs * 2 ** (turn - 1), error.retryAfterMs ?? 0);
      await sleep(clock, Math.min(delayMs, backoffMsMax), signal).catch(() => undefined);
      throwIfAborted(signal, "put", key);
    }
  }

  return { send, abandon: () => removeQuietly(upload, path) };
}

async function progressOf(
  upload: Upload,
  answer: IncomingMessage,
  call: Call,
  part: Part,
): Promise<Progress> {
  const { statusCode } = answer;
  if (statusCode === 200 || statusCode === 201) {
    const stored = await jsonAnswer(answer, upload.settings.name, call);
    return storedProgress(upload, stored, part);
  }
  if (statusCode === 412) {
    discard(answer);
    return { kind: "uploaded", uploaded: "refused" };
  }
  if (statusCode === 404 || statusCode === 410) {
    discard(answer);
    return { kind: "broken", error: failure(upload, "the service has lost the upload") };
  }
  if (statusCode !== 308) throw await refused(answer, upload.settings.name, call);
  discard(answer);
  const last = /^bytes=0-(\d+)$/.exec(header(answer, "range") ?? "")?.[1];
  const bytes = last === undefined ? 0 : Number(last) + 1;
  if (bytes >= part.offset && bytes <= endOf(part)) return { kind: "persisted", bytes };
  return { kind: "broken", error: failure(upload, "the service has lost a part of the upload") };
}

/**
 * Takes an answer that the object is stored. Where it was stored in part, which the documented
 * service never does and an emulator does when it is asked how far it got, that is taken back.
 */
async function storedProgress(upload: Upload, stored: unknown, part: Part): Promise<Progress> {
  const size = stringField(stored, "size");
  if (part.last && (size === undefined || Number(size) === endOf(part))) {
    return { kind: "uploaded", uploaded: "stored" };
  }
  const generation = stringField(stored, "generation");
  if (generation !== undefined) {
    await removeQuietly(upload, upload.service.objectPath(upload.key, { generation }));
  }
  const message = `the service ended the upload at ${size} bytes`;
  return { kind: "broken", error: failure(upload, message) };
}

/** Deletes a session or a generation as well as that goes, also after the caller has aborted. */
async function removeQuietly(
  { service, settings, clock, key }: Upload,
  path: string,
): Promise<void> {
  const limit = deadline(clock, removeTimeoutMs, "put", settings.name);
  const call = { operation: "put", subject: key, method: "DELETE", path, signal: limit.signal };
  const asked = service.ask({ ...call, headers: { "content-length": "0" } });
  await asked.then(discard, () => undefined);
  limit.cancel();
}

function endOf(part: Part): number {
  return part.offset + part.bytes.byteLength;
}

function failure({ settings, key }: Upload, message: string): StoreError {
  const { name } = settings;
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "put",
    source: name,
    subject: key,
    message,
  });
}
