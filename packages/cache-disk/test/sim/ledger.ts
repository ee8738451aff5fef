import { seededBytes } from "@bitstore/conformance";
import { type Digest, digestOf } from "@bitstore/core";

/** What is known of one blob, and what the cache owes of it. */
export interface LedgerBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** Its file was changed from outside, or not synced when the power failed. */
  mayBeRotten: boolean;
  /** Changes from outside so far: a put that began before the last of them mends nothing. */
  rots: number;
  /** An acknowledged put that nothing has touched since: where there is room, it must be there. */
  owed: boolean;
  /** Counts whatever may take it away, begun or over, and what of it is under way. */
  takings: number;
  takersUnder: number;
  /** An acknowledged delete that no put has followed. */
  gone: boolean;
  /** Puts that began, and those that are under way. */
  putsBegun: number;
  putsUnder: number;
  /** A put of it died, so that its file may stand where nobody names it. */
  mayBeHidden: boolean;
}

export interface Ledger {
  readonly blobs: readonly LedgerBlob[];
  blob(index: number): LedgerBlob;
  of(digest: Digest): LedgerBlob | undefined;
}

/** Makes the blobs of a history: the same bytes for the same place and size. */
export async function openLedger(sizes: readonly number[]): Promise<Ledger> {
  const blobs: LedgerBlob[] = [];
  for (const [index, size] of sizes.entries()) {
    const bytes = seededBytes(size, index + 1);
    blobs.push({
      digest: await digestOf(bytes, "sha256"),
      bytes,
      mayBeRotten: false,
      rots: 0,
      owed: false,
      takings: 0,
      takersUnder: 0,
      gone: false,
      putsBegun: 0,
      putsUnder: 0,
      mayBeHidden: false,
    });
  }
  // Two of the same bytes are one blob.
  const first = (digest: Digest): LedgerBlob | undefined =>
    blobs.find((each) => each.digest === digest);
  return {
    blobs: blobs.filter((each) => first(each.digest) === each),
    blob(index) {
      const blob = blobs[index];
      const found = blob === undefined ? undefined : first(blob.digest);
      if (found === undefined) throw new RangeError(`there is no blob ${index}`);
      return found;
    },
    of: first,
  };
}
