import { algorithmOf, type Algorithm, type Digest, type TagEntry } from "@bitstore/core";
import { denied } from "./authorize.ts";
import { isConfined, type Principal } from "./principal.ts";
import type { Receipts } from "./receipts.ts";

/**
 * Refuses a put by a digest that could be made to name other bytes, for those who may write without
 * being trusted with what others read: whoever is confined to tag prefixes.
 *
 * @throws PERMISSION_DENIED
 */
export function checkPutAlgorithm(principal: Principal, algorithm: Algorithm): void {
  if (!isConfined(principal) || algorithm !== "sha1") return;
  throw denied(principal, "it may not put by sha1, which can be forged; put by sha256");
}

/** What a confined principal shows to tag a blob. */
export interface TagProof {
  readonly digest: Digest;
  /** What the request has for a receipt. */
  readonly receipt: string | undefined;
  /** What the tag itself names now, which may be set again without a receipt. */
  readonly head: TagEntry | undefined;
}

/**
 * Lets a principal tag a blob: a confined one what it put or read, proved by a receipt, or what that
 * very tag names already. The refusal is the same whether the blob is there or not, and no `force`
 * changes it, or a tag would be a way to read any blob whose digest is known.
 *
 * @throws PERMISSION_DENIED
 */
export function checkTagTarget(principal: Principal, proof: TagProof, receipts: Receipts): void {
  if (!isConfined(principal)) return;
  const { digest, receipt, head } = proof;
  checkPutAlgorithm(principal, algorithmOf(digest));
  if (head?.target?.digest === digest) return;
  if (receipts.holds(receipt, principal, digest)) return;
  throw denied(
    principal,
    "it may tag what it put or read; give the Bitstore-Receipt of that answer",
  );
}
