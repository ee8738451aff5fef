import type { Digest } from "@bitstore/core";
import type { RootLease } from "../roots/gc-roots.ts";
import type { MarkCounts } from "../roots/mark-roots.ts";

/** Blobs and their bytes. */
export interface Tally {
  readonly count: number;
  readonly bytes: number;
}

/**
 * What a run decided of the blobs of a tier. In their place: `named`, `young` (nothing names it, and
 * its grace is not over), `swept`, `renewed` (put again while it was looked at), `gone` (deleted by
 * others meanwhile), `slow` (can't be copied in time), `corrupt`, `left` (above `sweepMax`). In the
 * trash: `kept` (its time is not over), `purged`, `restored`, `dropped` (in its place again).
 */
export type GcFate =
  | "named"
  | "young"
  | "swept"
  | "renewed"
  | "gone"
  | "slow"
  | "corrupt"
  | "left"
  | "kept"
  | "purged"
  | "restored"
  | "dropped";

/** Every fate, in the order in which reports show them. */
export const gcFates: readonly GcFate[] = [
  "named",
  "young",
  "swept",
  "left",
  "renewed",
  "gone",
  "slow",
  "corrupt",
  "kept",
  "purged",
  "restored",
  "dropped",
];

/** What was done, or in a dry run would be, in one tier. */
export interface GcTierReport {
  readonly tier: string;
  /** False in a dry run of a tier where gc is not enabled. */
  readonly enabled: boolean;
  readonly graceMs: number;
  readonly fates: Readonly<Record<GcFate, Tally>>;
  /** Of those that are named: by pins, and by no tag. */
  readonly byPinAlone: Tally;
  /** Of those that are named: by leases, and by no tag or pin. */
  readonly byLeaseAlone: Tally;
  /** The first digests of each fate but `named`, `young` and `kept`. */
  readonly shown: Readonly<Partial<Record<GcFate, readonly Digest[]>>>;
  /** Blobs that could not be dealt with; the next run tries them again. */
  readonly failed: number;
  readonly failures: readonly { readonly digest: Digest; readonly message: string }[];
}

/** What a garbage collection found and did. */
export interface GcReport {
  /** Id of the run: last part of the keys of what it moved to the trash. */
  readonly run: string;
  /** Whether nothing was written: then it says what would have been done. */
  readonly dryRun: boolean;
  readonly marks: MarkCounts;
  /** The lease that held everything, so that nothing (more) was collected. */
  readonly pausedBy: RootLease | undefined;
  /** Leases that have lapsed without having been released, at most 100. */
  readonly lapsedLeases: readonly RootLease[];
  /** Of these: removed, since that was over a day ago. */
  readonly removedLeases: number;
  /** Of these: to be removed, but it failed; the next run tries again. */
  readonly failedLeases: number;
  readonly tiers: readonly GcTierReport[];
}
