import type { CallOptions, Descriptor, Digest } from "@bitstore/core";

/** What is known of a blob that is about to be tagged. */
export interface CheckedTarget {
  readonly size?: number | undefined;
  /** Other digests of the same bytes. */
  readonly alsoKnownAs?: readonly Digest[] | undefined;
}

/** Looks for a blob where tagged blobs must be; resolves to undefined where it is not there. */
export type TargetCheck = (
  digest: Digest,
  options: CallOptions,
) => Promise<CheckedTarget | undefined>;

/** What `durableTargets` asks: a composite is one. */
export interface DurableStore {
  durable(digest: Digest, options?: CallOptions): Promise<Descriptor | undefined>;
}

/**
 * Lets only blobs be tagged that the origin has: a copy in a cache, or behind it, is not enough.
 * `otherDigests` tells what else the bytes are named by, which the manifests carry too.
 */
export function durableTargets(
  store: DurableStore,
  otherDigests: (digest: Digest, options: CallOptions) => Promise<readonly Digest[]> = () =>
    Promise.resolve([]),
): TargetCheck {
  return async (digest, options) => {
    const found = await store.durable(digest, options);
    if (found === undefined) return undefined;
    return { size: found.size, alsoKnownAs: await otherDigests(digest, options) };
  };
}

/** Lets every digest be tagged, unseen: for pins of what is yet to come, and for tests. */
export const trustTargets: TargetCheck = () => Promise.resolve({});
