import { parseDigest, StoreError, type TagWriteOptions } from "@bitstore/core";
import type { Asked } from "../wire/transport.ts";

const actorBytesMax = 256;
const reasonBytesMax = 1024;

/** Refuses a sequence that is none. */
export function checkSeq(seq: number, least: number, asked: Asked): void {
  if (Number.isSafeInteger(seq) && seq >= least) return;
  throw refusal(asked, `sequence ${seq} is no whole number from ${least} on`);
}

/** Refuses what could not be written as a header or a query; the rest the server checks. */
export function checkWrite(options: TagWriteOptions, asked: Asked): void {
  const { expect, nonce, base, actor, reason } = options;
  if (typeof expect === "number") checkSeq(expect, 0, asked);
  if (typeof expect === "string" && expect !== "absent") parseDigest(expect);
  if (base !== undefined) checkSeq(base, 0, asked);
  if (base !== undefined && nonce === undefined) {
    throw refusal(asked, "a base is for a nonce, and none is given");
  }
  if (nonce !== undefined && !/^[0-9a-f]{32}$/.test(nonce)) {
    throw refusal(asked, "the nonce is not 32 lower-case hex digits");
  }
  checkText("actor", actor, actorBytesMax, asked);
  checkText("reason", reason, reasonBytesMax, asked);
}

function checkText(what: string, text: string | undefined, bytesMax: number, asked: Asked): void {
  if (text === undefined) return;
  if (!text.isWellFormed()) throw refusal(asked, `the ${what} has an unpaired surrogate`);
  if (new TextEncoder().encode(text).byteLength <= bytesMax) return;
  throw refusal(asked, `the ${what} may have ${bytesMax} bytes at most`);
}

function refusal(asked: Asked, message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", ...asked, message });
}
