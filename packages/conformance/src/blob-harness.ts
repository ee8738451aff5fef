import type { BlobSource, BlobStore, Descriptor } from "@bitstore/core";

/**
 * Names what a store is known to do otherwise. The suite then asserts that very behaviour.
 *
 * - `put-abort-waits-for-body`: an aborted put by digest ends when its body yields again.
 * - `unnamed-put-abort-waits-for-body`: the same of a put of unknown digest.
 */
export type BlobDeviation = "put-abort-waits-for-body" | "unnamed-put-abort-waits-for-body";

/** A blob of a test: its name and its bytes. */
export interface SeededBlob extends Descriptor {
  readonly bytes: Uint8Array;
}

/** What a source gives the suite. */
export interface BlobSourceHarness {
  /** Resolves to an empty source, of a namespace of its own; called a few times only. */
  open(): Promise<BlobSource>;
  /** Resolves to another handle of the namespace that was opened first. */
  reopen(): Promise<BlobSource>;
  /** Plants blobs behind the source that was opened first. */
  seed(blobs: readonly SeededBlob[]): Promise<void>;
  /** Resolves to a source that can't be reached; left out where there is no such thing. */
  readonly openUnreachable?: (() => Promise<BlobSource>) | undefined;
  /** Requests that were made so far, where that can be counted: shows which questions cost none. */
  readonly requests?: (() => number) | undefined;
  /** Releases everything; called once, after the handles were disposed. */
  dispose(): Promise<void>;
  /** Bytes around which more sizes are tried, such as a part or a spool in memory. */
  readonly sizesAround?: readonly number[] | undefined;
  readonly deviations?: readonly BlobDeviation[] | undefined;
  /** Whether a read may come from one of several copies, each with a version of its own. */
  readonly hasCopies?: boolean | undefined;
}

/** What a store gives the suite. */
export interface BlobStoreHarness extends Omit<BlobSourceHarness, "open" | "reopen" | "seed"> {
  open(): Promise<BlobStore>;
  reopen(): Promise<BlobStore>;
  /** Left out, blobs are planted by `put`. */
  readonly seed?: ((blobs: readonly SeededBlob[]) => Promise<void>) | undefined;
  /** Resolves to a store that can't be reached; left out where there is no such thing. */
  readonly openUnreachable?: (() => Promise<BlobStore>) | undefined;
}
