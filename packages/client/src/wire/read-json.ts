import { collect, isStoreError, StoreError } from "@bitstore/core";
import type { Answer } from "./ask.ts";

/** Bytes of a JSON answer: a page of a thousand records, each as full as it may be, is below. */
const jsonBytesMax = 32 * 2 ** 20;

/** Reads an answer's body as JSON. Rejects with INTERNAL where it is none, or is far too long. */
export async function readJson(answer: Answer): Promise<unknown> {
  const { asked } = answer;
  try {
    const bytes = await collect(answer.chunks(), jsonBytesMax);
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    if (isStoreError(cause) && cause.code !== "TOO_LARGE") throw cause;
    const message = isStoreError(cause)
      ? `the answer is longer than ${jsonBytesMax} bytes (jsonBytesMax)`
      : "the answer is no JSON";
    throw new StoreError({ code: "INTERNAL", ...asked, message, cause });
  }
}
