import { tmpdir } from "node:os";
import {
  type BlobSource,
  type Bucket,
  type Clock,
  type Digest,
  StoreError,
  systemClock,
} from "@bitstore/core";
import type { GcRoots } from "../roots/gc-roots.ts";
import type { Retention } from "../roots/tag-entries.ts";
import { graceMsDefault } from "../tier/enable-gc.ts";
import { graceMsMin, type GcTier } from "../tier/gc-tier.ts";
import type { GcFate } from "./gc-report.ts";

/** How far a run is. */
export interface GcProgress {
  readonly phase: "mark" | "purge" | "sweep";
  readonly tier?: string | undefined;
  readonly digest?: Digest | undefined;
  readonly fate?: GcFate | undefined;
}

export interface GcOptions {
  /** Tiers to collect; only such as may be written. */
  readonly tiers: readonly GcTier[];
  /** The metadata bucket: for the lock and its service's time. */
  readonly metadata: Bucket;
  readonly metadataId: string;
  /** What says which blobs are kept; see `metadataRoots`. */
  readonly roots: GcRoots;
  /** Where collections are opened. For a dry run open it without fills and with `restores: false`. */
  readonly blobs: Pick<BlobSource, "open">;
  /** Collections that are known to be lost: without this, one that can't be read ends the run. */
  readonly lostCollections?: readonly Digest[] | undefined;
  /** All history keeps its blobs if left out. */
  readonly retention?: Retention | undefined;
  /** Writes nothing anywhere, and reports what would be done; true if left out. */
  readonly dryRun?: boolean | undefined;
  /** The grace that a dry run goes by in a tier where gc is not enabled. */
  readonly graceMs?: number | undefined;
  /** Blobs of each tier that are moved to the trash in this run. */
  readonly sweepMax?: number | undefined;
  /** Copies of each tier that are purged in this run. */
  readonly purgeMax?: number | undefined;
  /** Blobs that are moved or purged at a time. */
  readonly concurrencyMax?: number | undefined;
  /** Tags that are read at a time. */
  readonly tagsMax?: number | undefined;
  /** Blobs of a tier that may fail before the run ends. */
  readonly failuresMax?: number | undefined;
  /** Digests of each fate that the report shows. */
  readonly digestsShownMax?: number | undefined;
  /** Marks of one algorithm that are kept in memory; more go to a temporary file. */
  readonly marksInMemoryMax?: number | undefined;
  readonly temporaryDirectory?: string | undefined;
  /** Doesn't take the lock; for tests, which show that nothing depends on it. */
  readonly unlocked?: boolean | undefined;
  readonly onProgress?: ((progress: GcProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  /** The machine's date, which goes on while it sleeps. */
  readonly date?: (() => Date) | undefined;
  /** A number from 0 up to 1. */
  readonly random?: (() => number) | undefined;
}

/** Options with everything that was left out. */
export interface GcSettings extends GcOptions {
  readonly dryRun: boolean;
  readonly graceMs: number;
  readonly retention: Retention;
  readonly sweepMax: number;
  readonly purgeMax: number;
  readonly concurrencyMax: number;
  readonly tagsMax: number;
  readonly failuresMax: number;
  readonly digestsShownMax: number;
  readonly marksInMemoryMax: number;
  readonly temporaryDirectory: string;
  readonly clock: Clock;
  readonly date: () => Date;
  readonly random: () => number;
}

/** Completes options. @throws INVALID_ARGUMENT for a number that limits nothing, or everything. */
export function settingsOf(options: GcOptions): GcSettings {
  checkNumbers(options);
  return {
    ...options,
    dryRun: options.dryRun ?? true,
    graceMs: options.graceMs ?? graceMsDefault,
    retention: options.retention ?? {},
    sweepMax: options.sweepMax ?? Number.POSITIVE_INFINITY,
    purgeMax: options.purgeMax ?? Number.POSITIVE_INFINITY,
    concurrencyMax: options.concurrencyMax ?? 8,
    tagsMax: options.tagsMax ?? 4,
    failuresMax: options.failuresMax ?? 100,
    digestsShownMax: options.digestsShownMax ?? 100,
    // A quarter of a million of sha256 take 9 MB, and as much again while they are sorted.
    marksInMemoryMax: options.marksInMemoryMax ?? 2 ** 18,
    temporaryDirectory: options.temporaryDirectory ?? tmpdir(),
    clock: options.clock ?? systemClock,
    date: options.date ?? ((): Date => new Date()),
    random: options.random ?? Math.random,
  };
}

/** Limits that count something; those of the second list may be infinite. */
const counts = ["concurrencyMax", "tagsMax", "marksInMemoryMax", "failuresMax"] as const;
const endless = ["sweepMax", "purgeMax"] as const;

function checkNumbers(options: GcOptions): void {
  const { keepVersions, keepDays } = options.retention ?? {};
  for (const name of counts) check(name, options[name], isCount);
  for (const name of endless) {
    check(name, options[name], (value) => value === Number.POSITIVE_INFINITY || isCount(value));
  }
  check("keepVersions", keepVersions, isCount);
  check("keepDays", keepDays, (value) => Number.isFinite(value) && value >= 1, "number");
  const { graceMs } = options;
  if (graceMs !== undefined && !(Number.isSafeInteger(graceMs) && graceMs >= graceMsMin)) {
    throw refused(`graceMs ${graceMs} is no whole number of at least ${graceMsMin} (an hour)`);
  }
}

function check(
  name: string,
  value: number | undefined,
  isRight: (value: number) => boolean,
  what = "whole number",
): void {
  if (value !== undefined && !isRight(value)) {
    throw refused(`${name} ${value} is no ${what} of at least 1`);
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function refused(message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "gc", message });
}
