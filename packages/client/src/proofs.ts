import type { Digest, TagEntry } from "@bitstore/core";

/**
 * Remembers what a caller who is confined to tags needs later: the receipt that a server gave for a
 * blob, by which it may be tagged, and an entry of a tag that names the blob, through which it may
 * be read, whatever the tag names by then. A server gives receipts to such callers alone; of all
 * others nothing but entries is remembered. What is forgotten costs a refusal, and nothing else.
 */
export interface Proofs {
  /** Resolves to the newest receipt of a blob that is remembered. */
  receiptOf(digest: Digest): Promise<string | undefined>;
  keepReceipt(digest: Digest, receipt: string): void;
  /** Finds the entry that was last seen to name the blob. */
  tagOf(digest: Digest): Pick<TagEntry, "tag" | "seq"> | undefined;
  learnTag(digest: Digest, entry: Pick<TagEntry, "tag" | "seq">): void;
}

/** Blobs of which receipts, and of which entries, are remembered; those that were used last. */
const proofsMax = 10_000;

/** Keeps proofs in memory. They are of one server and one token, and end with the client. */
export function memoryProofs(): Proofs {
  const receipts = new Map<Digest, string>();
  const entries = new Map<Digest, Pick<TagEntry, "tag" | "seq">>();
  return {
    receiptOf: (digest) => Promise.resolve(receipts.get(digest)),
    keepReceipt: (digest, receipt) => keep(receipts, digest, receipt),
    tagOf: (digest) => entries.get(digest),
    learnTag: (digest, { tag, seq }) => keep(entries, digest, { tag, seq }),
  };
}

function keep<T>(known: Map<Digest, T>, digest: Digest, value: T): void {
  known.delete(digest);
  known.set(digest, value);
  const [oldest] = known.keys();
  if (known.size > proofsMax && oldest !== undefined) known.delete(oldest);
}
