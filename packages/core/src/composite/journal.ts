import type { Body } from "../bytes.ts";
import type { Descriptor, Digest } from "../digest.ts";
import { StoreError } from "../errors.ts";
import type { BlobPutOptions, BlobStore, PutResult } from "../source.ts";
import { defineTier, type Tier } from "./tier.ts";

/**
 * Takes puts in the origin's place: it acknowledges them once they are durable with it, and brings
 * them to the origin later. `writeBack` of @bitstore/write-back is one. What it acknowledged is in
 * its `source` until the origin has it, without a moment between.
 */
export interface PutJournal extends AsyncDisposable {
  /** Stores a blob durably. Rejects with RATE_LIMITED where it is full: nothing is ever dropped. */
  put(body: Body, options?: BlobPutOptions): Promise<PutResult>;
  /**
   * What is pending. It takes no puts; its delete keeps a blob from being uploaded, durably; its list
   * tells what is pending at the moment that the first entry is asked for.
   */
  readonly source: BlobStore;
  /** Resolves when a blob is not pending any more; rejects with why it can't get to the origin. */
  settled(digest: Digest, signal?: AbortSignal): Promise<void>;
  /** Resolves when all that is pending now is at the origin; rejects where some can't get there. */
  drain(signal?: AbortSignal): Promise<void>;
}

/** The name of the tier that shows what a journal has pending. */
export const pendingTierName = "pending";

/**
 * Sets what a journal has pending before the origin, as a cache that no fill is written into. A read
 * of it fills the caches that the origin's hits do.
 *
 * The origin's misses are not remembered then. A blob leaves the journal without a put, so that there
 * is no moment at which a miss that was noted while it was pending would be forgotten.
 */
export function withPendingTier(
  tiers: readonly Tier[],
  origin: Tier,
  journal: PutJournal,
): readonly Tier[] {
  const { source } = journal;
  if (source.capabilities.put) {
    const message = "the pending tier takes puts; fills would end up in the journal";
    throw new StoreError({ code: "CONFIG_INVALID", operation: "open", message });
  }
  const pending = defineTier({
    name: pendingTierName,
    source,
    role: "cache",
    heal: false,
    fill: origin.fill,
  });
  return tiers.flatMap((tier) => {
    return tier === origin ? [pending, { ...origin, negativeTtlMs: 0 }] : [tier];
  });
}

/**
 * Asks a list for its first entry, and resolves to the whole of it. What a journal has pending is
 * listed before the origin is asked, or a blob that arrives there between the two would be in neither.
 */
export async function begun(
  list: AsyncIterable<Descriptor>,
): Promise<AsyncGenerator<Descriptor, void, void>> {
  const entries = list[Symbol.asyncIterator]();
  const first = await entries.next();
  return (async function* () {
    try {
      for (let step = first; step.done !== true; step = await entries.next()) yield step.value;
    } finally {
      await entries.return?.();
    }
  })();
}
