import type { Tier } from "../composite/tier.ts";
import type { Digest } from "../digest.ts";
import type { BlobListOptions } from "../source.ts";

/** A digest, and the tiers that list it. */
export interface Copies {
  readonly digest: Digest;
  readonly copies: readonly {
    readonly tier: Tier;
    /** Bytes as the tier lists them; undefined where it was not listed. */
    readonly size: number | undefined;
  }[];
}

/**
 * Lists what tiers hold together, in ascending order of the digests, each with the tiers that have
 * it: one pass over all listings, with one entry of each in memory. A listing that fails ends it, since
 * whoever goes on past it would take what it did not list for absent.
 */
export async function* listCopies(
  tiers: readonly Tier[],
  options: BlobListOptions = {},
): AsyncGenerator<Copies, void, void> {
  const lists = tiers.map((tier) => ({
    tier,
    entries: tier.source.list(options)[Symbol.asyncIterator](),
  }));
  try {
    const heads = await Promise.all(
      lists.map(async ({ tier, entries }) => ({ tier, entries, step: await entries.next() })),
    );
    for (;;) {
      const present = heads.flatMap(({ step }) => (step.done === true ? [] : [step.value.digest]));
      const digest = present.reduce<Digest | undefined>(
        (least, each) => (least === undefined || each < least ? each : least),
        undefined,
      );
      if (digest === undefined) return;
      const copies: { tier: Tier; size: number }[] = [];
      for (const head of heads) {
        if (head.step.done === true || head.step.value.digest !== digest) continue;
        copies.push({ tier: head.tier, size: head.step.value.size });
        head.step = await head.entries.next();
      }
      yield { digest, copies };
    }
  } finally {
    await Promise.allSettled(lists.map(async ({ entries }) => await entries.return?.()));
  }
}

/** Names a digest's copies without listing: whether a tier has one is seen when it is read. */
export function copiesOf(digest: Digest, tiers: readonly Tier[]): Copies {
  return { digest, copies: tiers.map((tier) => ({ tier, size: undefined })) };
}
