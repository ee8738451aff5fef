import type { Digest } from "../digest.ts";
import type { BlobStore } from "../source.ts";

/**
 * Whole blobs that this process itself verified when it took them in, and has held in memory of its
 * own since: what they are needs no second hash. That memory goes wrong by itself is out of scope.
 */
export interface HeldBytes {
  /** Gives a blob at once, as a read that counts; undefined where it is not held. */
  get(digest: Digest): Uint8Array | undefined;
}

type Open = BlobStore["open"];

/**
 * By the function that reads them otherwise. A store that spreads another has its `open`, so its word;
 * one with an `open` of its own sees each read, and may change it, so it has not.
 */
const heldBy = new WeakMap<Open, HeldBytes>();

/**
 * Gives word for what a store's `open` reads. It is not exported from the package, and stays with the
 * cache in memory and what wraps it here: a disk rots, and a remote store may say what it likes.
 */
export function vouchFor(open: Open, held: HeldBytes | undefined): Open {
  if (held !== undefined) heldBy.set(open, held);
  return open;
}

/** The bytes that may be handed out as they are; undefined for any store but a cache in memory. */
export function heldBytes({ open }: BlobStore): HeldBytes | undefined {
  return heldBy.get(open);
}
