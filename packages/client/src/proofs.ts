import type { Digest } from "@bitstore/core";

/**
 * Remembers what a caller who is confined to tags needs later: the receipt that a server gave for a
 * blob, by which it may be tagged, and a tag that named the blob, through which it may be read. A
 * server gives receipts to such callers alone; of all others nothing but tags is remembered. Whatever
 * is forgotten costs a refusal, and nothing else.
 */
export interface Proofs {
  /** Resolves to the newest receipt of a blob that is remembered. */
  receiptOf(digest: Digest): Promise<string | undefined>;
  keepReceipt(digest: Digest, receipt: string): void;
  /** Names the tag that was last seen to name the blob. */
  tagOf(digest: Digest): string | undefined;
  learnTag(digest: Digest, tag: string): void;
}

/** Blobs of which receipts, and of which tags, are remembered; those that were used last. */
const proofsMax = 10_000;

/** Keeps proofs in memory. They are of one server and one token, and end with the client. */
export function memoryProofs(): Proofs {
  const receipts = new Map<Digest, string>();
  const tags = new Map<Digest, string>();
  return {
    receiptOf: (digest) => Promise.resolve(receipts.get(digest)),
    keepReceipt: (digest, receipt) => keep(receipts, digest, receipt),
    tagOf: (digest) => tags.get(digest),
    learnTag: (digest, tag) => keep(tags, digest, tag),
  };
}

function keep(known: Map<Digest, string>, digest: Digest, value: string): void {
  known.delete(digest);
  known.set(digest, value);
  const [oldest] = known.keys();
  if (known.size > proofsMax && oldest !== undefined) known.delete(oldest);
}
