import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Digest } from "@bitstore/core";
import type { Principal } from "./principal.ts";

/** The header that carries receipts, both ways. */
export const receiptHeader = "Bitstore-Receipt";

/** A day: longer than any put and its tag are apart, and within the shortest grace of a collector. */
export const receiptTtlMs: number = 24 * 60 * 60_000;

/** Characters of the longest text that is looked at as a receipt. */
const receiptCharsMax = 256;

/** Keys that receipts are checked by, the newest first: one to sign, one that is being retired. */
export const receiptKeysMax = 4;

/**
 * Proves to a later request that a principal had a blob's bytes in its hands: it put them, or read them
 * through one of its tags. That is what a principal confined to tag prefixes may tag.
 *
 * The server keeps nothing of it. A receipt is the HMAC of namespace, principal, digest and the end of
 * its time, so any process with the key takes it, after any restart, however many blobs are put; a
 * record for each would grow without bound, and one kept in memory would be forgotten. It is no secret:
 * it says nothing to anybody but the principal that it names.
 */
export interface Receipts {
  issue(principal: Principal, digest: Digest): string;
  /** Tells whether a text is a receipt of this principal for this digest that still holds. */
  holds(receipt: string | undefined, principal: Principal, digest: Digest): boolean;
}

/**
 * Makes and checks receipts. The first secret signs, all check, so that one can be replaced without
 * breaking what is under way. Each is of 32 bytes at least.
 */
export function createReceipts(secrets: readonly Uint8Array[], date: () => Date): Receipts {
  const keys = secrets.slice(0, receiptKeysMax).map(deriveKey);
  const [signer] = keys;
  if (signer === undefined) throw new TypeError("receipts need a secret");
  return {
    issue(principal, digest) {
      const until = (date().getTime() + receiptTtlMs).toString(36);
      return `v1.${until}.${macOf(signer, principal, digest, until).toString("base64url")}`;
    },
    holds(receipt, principal, digest) {
      if (receipt === undefined || receipt.length > receiptCharsMax) return false;
      const [, until, text] = /^v1\.([0-9a-z]{1,11})\.([A-Za-z0-9_-]{43})$/.exec(receipt) ?? [];
      if (until === undefined || text === undefined) return false;
      const given = Buffer.from(text, "base64url");
      const isSigned = keys
        .map((key) => timingSafeEqual(macOf(key, principal, digest, until), given))
        .includes(true);
      return isSigned && Number.parseInt(until, 36) > date().getTime();
    },
  };
}

/** The secret serves other ends too; a key for each keeps one from standing for another. */
function deriveKey(secret: Uint8Array): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, new Uint8Array(), "bitstore receipt v1", 32));
}

function macOf(key: Buffer, { namespace, name }: Principal, digest: Digest, until: string): Buffer {
  // As JSON, so that no name can be written that looks like two fields.
  const said = JSON.stringify([namespace, name, digest, until]);
  return createHmac("sha256", key).update(said).digest();
}
