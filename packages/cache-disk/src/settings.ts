import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { type Clock, StoreError, systemClock } from "@bitstore/core";
import type { IndexBudget } from "./cache-index.ts";
import { blockBytes, defaultLimits, type DiskCacheLimits } from "./limits.ts";

export interface DiskCacheOptions {
  /** Where the cache lives: an empty directory, one that can be made, or a cache's own. */
  readonly directory: string;
  /**
   * Bytes that blobs may take on the disk, each rounded up to whole blocks of 4 KiB; files that are
   * being written and quarantined ones included. The index (about 100 bytes an entry) and folders
   * come on top. Processes that share a directory share the budget: the last one to open sets it.
   */
  readonly bytesMax: number;
  /** Number of blobs; no limit unless given. */
  readonly entriesMax?: number | undefined;
  /**
   * Bytes of the largest blob that is stored; larger ones are served by the tiers behind. Unless
   * given, a quarter of `bytesMax`, or 1 MiB in a cache of less than 4 MiB.
   */
  readonly entryBytesMax?: number | undefined;
  /** The name that messages and reports give the cache; `cache:` and its directory if left out. */
  readonly name?: string | undefined;
  /** Syncs each blob to the disk before its put resolves. A cache may lose, so it is off. */
  readonly fsync?: boolean | undefined;
  readonly clock?: Clock | undefined;
  /** Milliseconds since 1970, for the ages of entries only. */
  readonly date?: (() => number) | undefined;
  /** Gives a name that no other process gives, for files and for versions. */
  readonly uniqueId?: (() => string) | undefined;
  readonly limits?: Partial<DiskCacheLimits> | undefined;
}

/** The options, checked and complete. */
export interface CacheSettings {
  readonly directory: string;
  readonly name: string;
  readonly budget: IndexBudget;
  readonly entryBytesMax: number;
  readonly fsync: boolean;
  readonly clock: Clock;
  /** Seconds since 1970. */
  readonly seconds: () => number;
  readonly uniqueId: () => string;
  readonly limits: DiskCacheLimits;
}

/** Checks options and fills in the defaults; throws CONFIG_INVALID naming the option. */
export function cacheSettings(options: DiskCacheOptions): CacheSettings {
  if (options.directory === "") throw refusal("directory", "it is empty; name a directory");
  const directory = resolve(options.directory);
  checkCount("bytesMax", options.bytesMax);
  checkCount("entriesMax", options.entriesMax);
  checkCount("entryBytesMax", options.entryBytesMax);
  if ((options.entryBytesMax ?? 0) > options.bytesMax) {
    throw refusal("entryBytesMax", `it is above bytesMax (${options.bytesMax}); lower it`);
  }
  const date = options.date ?? Date.now;
  const wholeBlocks = Math.floor(options.bytesMax / blockBytes) * blockBytes;
  return {
    directory,
    name: options.name ?? `cache:${directory}`,
    budget: {
      bytesMax: options.bytesMax,
      entriesMax: options.entriesMax ?? Number.MAX_SAFE_INTEGER,
    },
    entryBytesMax: Math.min(options.entryBytesMax ?? entryDefault(options.bytesMax), wholeBlocks),
    fsync: options.fsync ?? false,
    clock: options.clock ?? systemClock,
    seconds: () => Math.floor(date() / 1000),
    uniqueId: options.uniqueId ?? (() => randomBytes(6).toString("hex")),
    limits: { ...defaultLimits, ...options.limits },
  };
}

/** One blob may push out a quarter of the cache; in a small one that would leave out too many. */
function entryDefault(bytesMax: number): number {
  return Math.max(Math.floor(bytesMax / 4), Math.min(bytesMax, 2 ** 20));
}

function checkCount(option: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return;
  throw refusal(option, `${value} is no whole number above 0`);
}

function refusal(option: string, message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "open",
    subject: `option ${option}`,
    source: "disk cache",
    message,
  });
}
