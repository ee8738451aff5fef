import { type Digest, isStoreError, mapConcurrent, StoreError } from "@bitstore/core";
import type { CheckedTier } from "../tier/gc-tier.ts";
import type { GcRun } from "./gc-run.ts";
import type { TierTally } from "./tally-tier.ts";

/**
 * Deals with the blobs of one tier, several at a time. What fails is counted and left for the next
 * run; too many, and what would fail for all of them, end this one.
 */
export async function dealWith<T extends { readonly digest: Digest }>(
  { settings }: GcRun,
  { name }: CheckedTier,
  tally: TierTally,
  items: AsyncIterable<T>,
  deal: (item: T) => Promise<void>,
): Promise<void> {
  const { concurrencyMax, failuresMax, signal } = settings;
  const stop = new AbortController();
  const done = mapConcurrent(
    items,
    { concurrencyMax, ordered: false, waitingMax: concurrencyMax, signal: stop.signal },
    async (item) => {
      try {
        await deal(item);
      } catch (error) {
        if (signal?.aborted === true || concernsAll(error)) throw error;
        tally.fail(item.digest, error);
        if (tally.failed > failuresMax) throw tooMany(name, tally.failed, error);
      }
      return true;
    },
    () => stop.abort(),
  );
  for await (const _ of done);
}

function concernsAll(error: unknown): boolean {
  return (
    !isStoreError(error) || ["PERMISSION_DENIED", "UNAUTHENTICATED", "ABORTED"].includes(error.code)
  );
}

function tooMany(source: string, failed: number, cause: unknown): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "gc",
    source,
    persistence: "exhausted",
    message: `${failed} blobs failed; mend what is wrong and run it again, it goes on from here`,
    cause,
  });
}
