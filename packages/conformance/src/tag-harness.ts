import type { Digest, TagLog } from "@bitstore/core";

/** What a tag log gives the suite. */
export interface TagHarness {
  /** Resolves to the log of an empty namespace of its own; called a few times only. */
  open(): Promise<TagLog>;
  /** Resolves to another handle, with a memory of its own, of the namespace opened first. */
  reopen(): Promise<TagLog>;
  /** Resolves to the n-th of many digests that may be tagged; the same one for the same number. */
  target(n: number): Promise<Digest>;
  /** A digest of no blob at the origin; left out where the log believes every digest. */
  readonly absent?: Digest | undefined;
  /** Releases everything; called once, after the handles were disposed. */
  dispose(): Promise<void>;
}
