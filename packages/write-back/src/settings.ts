import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { type BlobStore, type Clock, StoreError, systemClock } from "@bitstore/core";
import type { FileLayer } from "./file-layer.ts";
import { nodeFiles } from "./node-files.ts";

/** Bounds that few need to change. */
export interface WriteBackLimits {
  /** Bytes of a body that are gathered before they are written at once. */
  readonly gatherBytes: number;
  /** Bytes that a put of unknown size takes at most beyond what it has. */
  readonly stepBytes: number;
  /** Bytes of one chunk that is read from a file. */
  readonly readBytes: number;
  /** Bytes of the largest blob that is uploaded from memory, and not from its file. */
  readonly memoryBytesMax: number;
  /** How long a put waits for room before it is RATE_LIMITED. */
  readonly waitMs: number;
  /** The first pause after a failure at most; it doubles, and a random part of it is waited. */
  readonly retryMs: number;
  /** The longest such pause. */
  readonly retryMsMax: number;
  /** The longest Retry-After that is obeyed. */
  readonly retryAfterMsMax: number;
  /** How long a blob rests that the origin has refused for good. */
  readonly refusedRetryMs: number;
  /** Refusals in a row after which the origin is asked with one blob at a time, and pauses. */
  readonly refusalsMax: number;
  /** How long disposal waits for puts and uploads under way. */
  readonly drainMs: number;
  /** How long an upload that was aborted may take to end. */
  readonly cancelMs: number;
  /** How long the removal of an uploaded file may stay unsynced. */
  readonly lazySyncMs: number;
  /** How often a directory that another process owns is tried again. */
  readonly takeoverMs: number;
  /** Failures that `status` lists. */
  readonly failedMax: number;
}

export const writeBackLimitsDefault: WriteBackLimits = {
  gatherBytes: 256 * 2 ** 10,
  stepBytes: 4 * 2 ** 20,
  readBytes: 256 * 2 ** 10,
  memoryBytesMax: 2 ** 20,
  waitMs: 10_000,
  retryMs: 200,
  retryMsMax: 60_000,
  retryAfterMsMax: 3_600_000,
  refusedRetryMs: 3_600_000,
  refusalsMax: 8,
  drainMs: 30_000,
  cancelMs: 10_000,
  lazySyncMs: 1000,
  takeoverMs: 250,
  failedMax: 100,
};

export interface WriteBackOptions {
  /** An empty directory, or a journal's own; on a local file system. */
  readonly directory: string;
  /**
   * Takes what is not journaled. It may have a layer that retries, which \`origin\` needs none of: the
   * journal tries again by itself. \`origin\` if left out.
   */
  readonly direct?: BlobStore | undefined;
  /**
   * Names the origin, without secrets, so that what is pending is never uploaded to another one:
   * then opening rejects with CONFIG_INVALID. Unchecked if left out.
   */
  readonly originId?: string | undefined;
  /** Bytes of all blobs that are pending or being put. */
  readonly bytesMax: number;
  /** Blobs that are pending or being put; 100,000 if left out. */
  readonly entriesMax?: number | undefined;
  /** Bytes of the largest blob that is journaled; larger ones go to the origin; `bytesMax`. */
  readonly entryBytesMax?: number | undefined;
  /** Uploads at a time; 8 if left out. */
  readonly concurrencyMax?: number | undefined;
  /**
   * What happens where another process owns the directory: `refuse` (default) rejects with
   * UNAVAILABLE, `wait` waits until that process ends, or `signal` aborts.
   */
  readonly takeover?: "refuse" | "wait" | undefined;
  /** Ends the wait for the directory, and the look at what is in it; not what was opened. */
  readonly signal?: AbortSignal | undefined;
  readonly name?: string | undefined;
  readonly clock?: Clock | undefined;
  /** Milliseconds since 1970; only for how old a blob is that was found at the start. */
  readonly date?: (() => number) | undefined;
  /** A number from 0 up to 1. */
  readonly random?: (() => number) | undefined;
  /** A word that no other process uses, for the names of temporary files. */
  readonly uniqueId?: (() => string) | undefined;
  readonly files?: FileLayer | undefined;
  readonly limits?: Partial<WriteBackLimits> | undefined;
}

export interface WriteBackSettings {
  readonly origin: BlobStore;
  readonly direct: BlobStore;
  readonly originId: string | undefined;
  readonly directory: string;
  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly entryBytesMax: number;
  readonly concurrencyMax: number;
  readonly takeover: "refuse" | "wait";
  readonly signal: AbortSignal | undefined;
  readonly name: string;
  readonly clock: Clock;
  readonly date: () => number;
  readonly random: () => number;
  readonly uniqueId: () => string;
  readonly files: FileLayer;
  readonly limits: WriteBackLimits;
}

/** Fills in what the options leave out. Rejects what is no limit with CONFIG_INVALID. */
export function settingsOf(origin: BlobStore, options: WriteBackOptions): WriteBackSettings {
  const name = options.name ?? "write-back";
  const { bytesMax } = options;
  const settings: WriteBackSettings = {
    origin,
    direct: options.direct ?? origin,
    originId: options.originId,
    directory: resolve(options.directory),
    bytesMax,
    entriesMax: options.entriesMax ?? 100_000,
    entryBytesMax: Math.min(options.entryBytesMax ?? bytesMax, bytesMax),
    concurrencyMax: options.concurrencyMax ?? 8,
    takeover: options.takeover ?? "refuse",
    signal: options.signal,
    name,
    clock: options.clock ?? systemClock,
    date: options.date ?? Date.now,
    random: options.random ?? Math.random,
    uniqueId: options.uniqueId ?? randomUUID,
    files: options.files ?? nodeFiles,
    limits: { ...writeBackLimitsDefault, ...options.limits },
  };
  const { entriesMax, entryBytesMax, concurrencyMax } = settings;
  for (const [key, value] of Object.entries({
    bytesMax,
    entriesMax,
    entryBytesMax,
    concurrencyMax,
  })) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "open",
      source: name,
      message: `${key} is ${value}; give a whole number above 0`,
    });
  }
  return settings;
}
