import { ageMs } from "@bitstore/core";
import { matchMarks } from "../marks/match-marks.ts";
import type { CheckedTier } from "../tier/gc-tier.ts";
import type { GcRun } from "./gc-run.ts";
import { dealWith } from "./deal-with.ts";
import { listBlobs, type StoredBlob } from "./list-blobs.ts";
import { moveToTrash } from "./move-to-trash.ts";
import type { TierTally } from "./tally-tier.ts";

/** Moves to the trash what nothing names and is older than the grace. */
export async function sweepTier(run: GcRun, tier: CheckedTier, tally: TierTally): Promise<void> {
  const { settings, patience, id } = run;
  const { clock, date, dryRun, onProgress } = settings;
  await dealWith(run, tier, tally, garbage(run, tier, tally), async ({ digest, info }) => {
    const move = { run: id, clock, date, patience };
    const fate = dryRun ? "swept" : await moveToTrash(tier, digest, move);
    tally.add(fate, digest, info.size);
    onProgress?.({ phase: "sweep", tier: tier.name, digest, fate });
  });
}

async function* garbage(
  { settings, patience, marks, mayGoOn }: GcRun,
  tier: CheckedTier,
  tally: TierTally,
): AsyncGenerator<StoredBlob, void, void> {
  let left = settings.sweepMax;
  const named = marks.sorted();
  for await (const { item, kinds } of matchMarks(listBlobs(tier, patience), named, tier.name)) {
    const { digest, info } = item;
    const isOld = (ageMs(tier.bucket, info) ?? 0) >= tier.gc.graceMs;
    if (kinds !== 0) tally.add("named", digest, info.size, kinds);
    else if (!isOld) tally.add("young", digest, info.size);
    else if (left <= 0) tally.add("left", digest, info.size);
    else if (!(await mayGoOn())) return;
    else {
      left -= 1;
      yield item;
    }
  }
}
