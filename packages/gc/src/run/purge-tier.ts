import { matchMarks } from "../marks/match-marks.ts";
import type { CheckedTier } from "../tier/gc-tier.ts";
import type { GcRun } from "./gc-run.ts";
import { dealWith } from "./deal-with.ts";
import { listTrash, type TrashedBlob } from "./list-blobs.ts";
import { purgeCopy } from "./purge-copy.ts";
import type { TierTally } from "./tally-tier.ts";

/** Empties the trash of what has lain there for its time, and brings back what something names. */
export async function purgeTier(run: GcRun, tier: CheckedTier, tally: TierTally): Promise<void> {
  const { settings, patience } = run;
  const { dryRun, onProgress } = settings;
  let left = settings.purgeMax;
  await dealWith(run, tier, tally, copies(run, tier), async (copy) => {
    const { digest, info, isMarked } = copy;
    const mayPurge = isMarked || left > 0;
    // Taken before it is waited for: others are dealt with at the same time.
    if (!isMarked && mayPurge) left -= 1;
    const fate = mayPurge ? await purgeCopy(tier, copy, isMarked, { dryRun, patience }) : "kept";
    if (!isMarked && mayPurge && fate !== "purged") left += 1;
    tally.add(fate, digest, info.size);
    onProgress?.({ phase: "purge", tier: tier.name, digest, fate });
  });
}

async function* copies(
  { patience, marks, mayGoOn }: GcRun,
  tier: CheckedTier,
): AsyncGenerator<TrashedBlob & { readonly isMarked: boolean }, void, void> {
  const named = marks.sorted();
  for await (const { item, kinds } of matchMarks(listTrash(tier, patience), named, tier.name)) {
    if (!(await mayGoOn())) return;
    yield { ...item, isMarked: kinds !== 0 };
  }
}
