import { createHash } from "node:crypto";
import { isStoreError, type StoreError } from "@bitstore/core";
import { answerError } from "./answer-error.ts";
import { headObject } from "./head-object.ts";
import type { Put } from "./one-put.ts";
import type { S3Context } from "./s3-context.ts";

/** What the system says where the other side closed while a body was being sent. */
const resets: ReadonlySet<string | undefined> = new Set(["ECONNRESET", "EPIPE"]);

/**
 * Settles a put whose connection was closed while its body was sent. Some services answer before
 * they have read the body, and close: the answer, that the condition does not hold or that the keys
 * are unknown, is lost in the reset, and every repetition would fare the same. One HEAD finds it.
 * Rejects with what it finds, or else with the reset itself, which may be repeated.
 */
export async function settleReset(
  context: S3Context,
  put: Put,
  bytes: Uint8Array,
  reset: unknown,
): Promise<void> {
  if (!isStoreError(reset) || !resets.has(reset.serviceCode)) throw reset;
  const { signal, ifAbsent, ifVersion } = put.options;
  const found = await headObject(context, put.key, { signal }, "put").catch((error: unknown) => {
    throw isTelling(error) ? error : reset;
  });
  const isOurs =
    found?.size === bytes.byteLength &&
    found.version === createHash("md5").update(bytes).digest("hex");
  // Whether the same bytes were there before, nobody can say: that the key is taken is the answer.
  const isTaken = ifAbsent === true && found !== undefined;
  const isChanged = ifVersion !== undefined && found?.version !== ifVersion && !isOurs;
  if (!isTaken && !isChanged) throw reset;
  const about = { source: context.settings.name, subject: put.key };
  const message = "the object is not at the version that was asked for";
  throw answerError("PRECONDITION_FAILED", "put", about, message);
}

/** A failure that does not pass says more than the reset. */
function isTelling(error: unknown): error is StoreError {
  return isStoreError(error) && error.persistence !== "transient";
}
