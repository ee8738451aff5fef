import { mapConcurrent, StoreError } from "@bitstore/core";
import { placeOf } from "@bitstore/tags";
import { markSet } from "../marks/mark-set.ts";
import type { RootLease } from "../roots/gc-roots.ts";
import { markRoots, type Marked, pausingLease } from "../roots/mark-roots.ts";
import { type CheckedTier, checkTier } from "../tier/gc-tier.ts";
import { type GcLock, takeLock } from "./gc-lock.ts";
import type { GcReport } from "./gc-report.ts";
import type { GcRun } from "./gc-run.ts";
import { type GcOptions, type GcSettings, settingsOf } from "./options.ts";
import { patienceOf } from "./patience.ts";
import { purgeTier } from "./purge-tier.ts";
import { runId } from "./run-id.ts";
import { sweepTier } from "./sweep-tier.ts";
import { tierTally, type TierTally } from "./tally-tier.ts";
import { watchman } from "./watchman.ts";

const lapsedShownMax = 100;

/**
 * Collects what nothing names any more. It marks what tags' histories, pins and leases name; purges
 * what has lain in the trash for its time and is not marked, and brings back what is; and moves to the
 * trash what is not marked and older than the grace. Others may put, read, tag and collect at the same
 * time. A run that is killed leaves nothing that the next one does not go on from.
 *
 * Rejects, with nothing swept, where anything that names blobs can't be read or understood; with
 * CONFIG_INVALID, PRECONDITION_FAILED or UNSUPPORTED where a tier may not be collected (now), and
 * PRECONDITION_FAILED where another run is at work; INVALID_ARGUMENT for options. A blob that can't be moved is counted as failed,
 * up to `failuresMax` in a tier.
 */
export async function collectGarbage(options: GcOptions): Promise<GcReport> {
  const settings = settingsOf(options);
  const { dryRun, metadata, metadataId, signal, clock, random, graceMs } = settings;
  const patience = patienceOf(clock, random, signal);
  const tiers: CheckedTier[] = [];
  for (const tier of settings.tiers) {
    const check = { metadataId, metadataPlace: placeOf(metadata), dryRun, graceMs };
    tiers.push(await patience.retried((each) => checkTier(tier, { ...check, signal: each })));
  }
  const [first] = tiers;
  if (first === undefined) throw noTier();
  // By the clock that the times of entries are of.
  const nowMs = metadata.serviceTime()?.getTime() ?? first.markedAtMs;
  const id = runId(new Date(nowMs), random);
  const isLocked = !dryRun && settings.unlocked !== true;
  const lastPatience = patienceOf(clock, random, undefined);
  const lock = isLocked ? await takeLock(metadata, id, { patience, lastPatience }) : undefined;
  const marks = markSet({
    marksInMemoryMax: settings.marksInMemoryMax,
    directory: settings.temporaryDirectory,
  });
  try {
    return await collect({ id, settings, patience, marks }, tiers, nowMs, lock);
  } finally {
    marks.dispose();
    // One that can't be given back is taken over after a while.
    await lock?.release().catch(() => undefined);
  }
}

async function collect(
  run: Omit<GcRun, "mayGoOn">,
  tiers: readonly CheckedTier[],
  nowMs: number,
  lock: GcLock | undefined,
): Promise<GcReport> {
  const { settings, marks } = run;
  const { roots, signal, clock } = settings;
  settings.onProgress?.({ phase: "mark" });
  const marked = await markRoots(marks, {
    roots,
    collections: { blobs: settings.blobs, lost: new Set(settings.lostCollections) },
    retention: settings.retention,
    nowMs,
    tagsMax: settings.tagsMax,
    signal,
  });
  let pausedBy: RootLease | undefined = marked.pausing[0];
  const mayGoOn = watchman(clock, async () => {
    await lock?.renew().catch(() => undefined);
    pausedBy ??= await pausingLease(roots, signal);
    return pausedBy === undefined;
  });
  const tallies = tiers.map((tier) => ({
    tier,
    tally: tierTally(tier, settings.digestsShownMax),
  }));
  if (pausedBy === undefined) await phases({ ...run, mayGoOn }, tallies);
  const removal = settings.dryRun ? noRemoval : await removeLapsed(marked, settings);
  return {
    run: run.id,
    dryRun: settings.dryRun,
    marks: marked.counts,
    pausedBy: pausedBy === undefined ? undefined : shown(pausedBy),
    lapsedLeases: marked.lapsed.slice(0, lapsedShownMax).map(shown),
    removedLeases: removal.removed,
    failedLeases: removal.failed,
    tiers: tallies.map(({ tally }) => tally.report()),
  };
}

async function phases(
  run: GcRun,
  tallies: readonly { readonly tier: CheckedTier; readonly tally: TierTally }[],
): Promise<void> {
  for (const { tier, tally } of tallies) {
    run.settings.onProgress?.({ phase: "purge", tier: tier.name });
    await purgeTier(run, tier, tally);
  }
  for (const { tier, tally } of tallies) {
    run.settings.onProgress?.({ phase: "sweep", tier: tier.name });
    await sweepTier(run, tier, tally);
  }
}

/** Leases that were removed, and that could not be. */
interface LeaseRemoval {
  readonly removed: number;
  readonly failed: number;
}

const noRemoval: LeaseRemoval = { removed: 0, failed: 0 };

/** Removes leases at the end of a run, whose report is worth more than what fails here. */
async function removeLapsed({ lapsed }: Marked, { signal }: GcSettings): Promise<LeaseRemoval> {
  const stop = new AbortController();
  let [removed, failed] = [0, 0];
  const done = mapConcurrent(
    lapsed,
    { concurrencyMax: 4, ordered: false, waitingMax: 4, signal: stop.signal },
    async (lease) => await lease.remove({ signal }).catch(() => undefined),
  );
  for await (const was of done) {
    if (was === undefined) failed += 1;
    else if (was) removed += 1;
  }
  return { removed, failed };
}

/** Leaves out what a lease's object says besides. */
function shown(lease: RootLease): RootLease {
  const { namespace, id, digests, collections, holder, reason, lapsedMs } = lease;
  return { namespace, id, digests, collections, holder, reason, lapsedMs };
}

function noTier(): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "gc",
    message: "there is no tier to collect; give one that may be written",
  });
}
