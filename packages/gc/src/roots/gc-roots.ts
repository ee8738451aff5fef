import type { CallOptions, Digest, TagLog, TagTarget } from "@bitstore/core";

/** A lease, as far as a garbage collection goes by it. */
export interface RootLease {
  readonly namespace: string;
  readonly id: string;
  readonly digests: readonly Digest[] | "all";
  readonly collections: readonly Digest[];
  readonly holder: string;
  readonly reason: string | undefined;
  /** Milliseconds since it has lapsed; undefined while it holds. */
  readonly lapsedMs: number | undefined;
}

/** A lease that can be removed. */
export interface RemovableLease extends RootLease {
  /** Removes it if it has lapsed long ago; resolves to whether it did. */
  remove(options: CallOptions): Promise<boolean>;
}

/** What says which blobs are kept: the metadata bucket, namespace by namespace. */
export interface GcRoots {
  namespaces(options: CallOptions): AsyncIterable<string>;
  /** The log of a namespace's tags. It is not disposed. */
  tags(namespace: string): TagLog;
  /** What is pinned: a collection's pin holds what it names as well. */
  pins(namespace: string, options: CallOptions): AsyncIterable<TagTarget>;
  /** All leases of a namespace, lapsed ones as well. */
  leases(namespace: string, options: CallOptions): AsyncIterable<RemovableLease>;
}
