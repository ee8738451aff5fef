import { StoreError, type TagSetOptions, type TagWriteOptions } from "@bitstore/core";
import { actorBytesMax, annotationsBytesMax, mediaTypeBytesMax, reasonBytesMax } from "./limits.ts";

/** Refuses a sequence that is none. */
export function checkSeq(seq: number, least: number, tag: string, operation: string): void {
  if (Number.isSafeInteger(seq) && seq >= least) return;
  throw refuse(operation, tag, `sequence ${seq} is no whole number from ${least} on`);
}

/** Refuses what a manifest can't hold, before anything is asked. */
export function checkWrite(
  options: TagWriteOptions & Pick<TagSetOptions, "annotations" | "mediaType">,
  tag: string,
  operation: string,
): void {
  const { expect, actor, reason, nonce, base, annotations, mediaType } = options;
  if (typeof expect === "number") checkSeq(expect, 0, tag, operation);
  if (base !== undefined) checkSeq(base, 0, tag, operation);
  if (base !== undefined && nonce === undefined) {
    throw refuse(operation, tag, "a base is for a nonce, and none is given");
  }
  if (nonce !== undefined && !/^[0-9a-f]{32}$/.test(nonce)) {
    throw refuse(operation, tag, "the nonce is not 32 lower-case hex digits");
  }
  checkText("actor", actor, actorBytesMax, tag, operation);
  checkText("reason", reason, reasonBytesMax, tag, operation);
  checkText("media type", mediaType, mediaTypeBytesMax, tag, operation);
  if (mediaType !== undefined && !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;.*)?$/.test(mediaType)) {
    throw refuse(operation, tag, "the media type is not of the form type/subtype");
  }
  const words = Object.entries(annotations ?? {});
  if (words.some(([key]) => key === "" || key === "__proto__")) {
    throw refuse(operation, tag, "an annotation's key is empty or __proto__");
  }
  checkText("annotations", words.flat().join(""), annotationsBytesMax, tag, operation);
}

/** Refuses names of a writer that a manifest can't hold. */
export function checkWriter(writer: {
  readonly actor?: string | undefined;
  readonly client?: string | undefined;
}): void {
  checkText("actor", writer.actor, actorBytesMax, "", "open");
  checkText("client", writer.client, actorBytesMax, "", "open");
}

function checkText(
  what: string,
  text: string | undefined,
  bytesMax: number,
  tag: string,
  operation: string,
): void {
  if (text === undefined) return;
  if (!text.isWellFormed()) throw refuse(operation, tag, `the ${what} has an unpaired surrogate`);
  if (Buffer.byteLength(text) > bytesMax) {
    throw refuse(operation, tag, `the ${what} may have ${bytesMax} bytes at most`);
  }
}

function refuse(operation: string, tag: string, message: string): StoreError {
  const subject = tag === "" ? undefined : tag;
  return new StoreError({ code: "INVALID_ARGUMENT", operation, subject, message });
}
