import { checkSize, type LinkedAbort, type PutOutcome, throwIfAborted } from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import type { BodyReader, Piece } from "./body-reader.ts";
import { completeUpload, type StoredPart } from "./complete-upload.ts";
import { checkLength, type Put } from "./one-put.ts";
import { type PartPlan, partsAtOnce } from "./part-plan.ts";
import type { S3Context } from "./s3-context.ts";
import { partLimits } from "./s3-settings.ts";
import { abortUpload, createUpload, type PartToSend, uploadPart } from "./upload-requests.ts";

/** A body, of which the first part was read already. */
export interface PartSource {
  readonly reader: BodyReader;
  readonly plan: PartPlan;
  readonly first: Piece;
  /** Ends the put: aborted by the caller, or by the first part that fails. */
  readonly abort: LinkedAbort;
}

/**
 * Uploads a body in parts, of which a bounded number is in memory. Whatever goes wrong, the upload
 * is aborted, so that no parts are left behind to be paid for; a put that fails waits for that, but
 * not for long.
 */
export async function uploadInParts(
  context: S3Context,
  put: Put,
  source: PartSource,
): Promise<PutOutcome> {
  const { reader, abort } = source;
  const uploadId = await createUpload(context, put, abort.signal);
  let isComplete = false;
  try {
    const parts = await uploadParts(context, put, uploadId, source);
    checkSize(reader.bytesRead, put.options.size, put.key, context.settings.name);
    const upload = { uploadId, parts, size: reader.bytesRead };
    const outcome = await completeUpload(context, put, upload, abort.signal);
    isComplete = outcome !== "existed";
    return outcome;
  } finally {
    if (!isComplete) await context.cleanups.run(() => abortUpload(context, put, uploadId));
  }
}

async function uploadParts(
  context: S3Context,
  put: Put,
  uploadId: string,
  { reader, plan, first, abort }: PartSource,
): Promise<readonly StoredPart[]> {
  const { signal } = abort;
  const sender = partSender(context, put, uploadId, abort);
  try {
    sender.send({ number: 1, bytes: first.bytes });
    for (let number = 2, { isLast } = first; !isLast; number += 1) {
      if (number > partLimits.countMax) throw tooManyParts(context, put);
      const bytesMax = plan.bytesOf(number);
      const into = await sender.room(bytesMax);
      throwIfAborted(signal, "put", put.key);
      const piece = await reader.read(bytesMax, reader.copies ? into() : undefined);
      checkLength(context, put, reader.bytesRead, !piece.isLast);
      sender.send({ number, bytes: piece.bytes });
      isLast = piece.isLast;
    }
  } catch (error) {
    // Parts still on their way would be stored after the upload was aborted.
    abort.abort(error);
    throw error;
  } finally {
    await sender.settled();
  }
  throwIfAborted(signal, "put", put.key);
  return sender.parts.sort((a, b) => a.number - b.number);
}

/** Sends parts side by side, and keeps the arrays that they were in. */
interface PartSender {
  readonly parts: StoredPart[];
  /** Waits until one more part may be in memory; what it gives makes an array for it. */
  room(bytes: number): Promise<() => Uint8Array>;
  send(part: PartToSend): void;
  settled(): Promise<unknown>;
}

function partSender(
  context: S3Context,
  put: Put,
  uploadId: string,
  abort: LinkedAbort,
): PartSender {
  const parts: StoredPart[] = [];
  const inFlight = new Set<Promise<void>>();
  /** Arrays of ours, by whether they can be filled again. */
  const arrays = new Set<ArrayBufferLike>();
  const free: Uint8Array[] = [];

  async function run(part: PartToSend): Promise<void> {
    try {
      parts.push(await uploadPart(context, put, uploadId, part, abort.signal));
      const { buffer } = part.bytes;
      if (arrays.has(buffer)) free.push(new Uint8Array(buffer));
    } catch (error) {
      abort.abort(error);
    }
  }

  return {
    parts,
    async room(bytes) {
      const atOnce = partsAtOnce(context.settings.partsInFlightMax, bytes);
      // The part that is filled next counts too.
      while (inFlight.size >= atOnce) await Promise.race(inFlight);
      return () => {
        const reused = free.pop();
        if (reused?.byteLength === bytes) return reused;
        if (reused !== undefined) arrays.delete(reused.buffer);
        const made = new Uint8Array(bytes);
        arrays.add(made.buffer);
        return made;
      };
    },
    send(part) {
      const sending = run(part);
      inFlight.add(sending);
      void sending.then(() => inFlight.delete(sending));
    },
    settled: () => Promise.all(inFlight),
  };
}

function tooManyParts({ settings }: S3Context, { key }: Put): Error {
  const message = `the body has more than ${partLimits.countMax} parts; raise partBytes`;
  return answerError("TOO_LARGE", "put", { source: settings.name, subject: key }, message);
}
