import type { Digest } from "@bitstore/core";
import type { Api } from "./api.ts";
import type { Answer } from "./ask.ts";

/** The header that carries receipts, both ways. */
export const receiptHeader = "bitstore-receipt";

/** Remembers the receipt that an answer has for a blob, and returns it; most answers have none. */
export function keepReceipt(api: Api, answer: Answer, digest: Digest): string | undefined {
  const receipt = answer.header(receiptHeader);
  // It goes into a header again; what is none of ours is not kept.
  if (receipt === undefined || !/^[\x21-\x7e]{1,256}$/.test(receipt)) return undefined;
  api.proofs.keepReceipt(digest, receipt);
  return receipt;
}
