/** Limits that are set for tests and unusual machines only; each has a default with its reason. */
export interface DiskCacheLimits {
  /** How long a write waits for other processes' transactions, each of which takes about 1 ms. */
  readonly busyMs: number;
  /** How long a put waits for room that other puts hold, before it gives up as UNAVAILABLE. */
  readonly spaceMs: number;
  /** How long after a full disk the cache stays below the size at which the disk was full. */
  readonly fullMs: number;
  /** How long opening waits for a rebuild or a shrink before these go on in the background. */
  readonly openWaitMs: number;
  /** How long hits are noted in memory only. What is not written yet is lost by a kill. */
  readonly flushMs: number;
  /** Entries whose hits are noted in memory; at this number they are written early. */
  readonly pendingHitsMax: number;
  /** Rows that one transaction changes: about 1 ms, during which the process does nothing else. */
  readonly rowsMax: number;
  /** Entries that the eviction looks at in one transaction. */
  readonly sweepStepsMax: number;
  /** Visited entries that one put passes over before it evicts such entries as well. */
  readonly lapStepsMax: number;
  /** Bytes of a body that are gathered before a file is written; below it no reservation grows. */
  readonly gatherBytes: number;
  /** Bytes that a reservation of a body of unknown size grows by, at most. */
  readonly growBytesMax: number;
  /** Bytes of one read; a blob of at most this is read whole as it is opened. */
  readonly readBytes: number;
  /** Quarantined files that are kept; the oldest go first. */
  readonly quarantineFilesMax: number;
}

export const defaultLimits: DiskCacheLimits = {
  busyMs: 5000,
  spaceMs: 10_000,
  fullMs: 60_000,
  openWaitMs: 1000,
  flushMs: 2000,
  pendingHitsMax: 16_384,
  rowsMax: 32,
  sweepStepsMax: 1024,
  lapStepsMax: 16_384,
  gatherBytes: 256 * 1024,
  growBytesMax: 16 * 2 ** 20,
  readBytes: 128 * 1024,
  quarantineFilesMax: 32,
};

/**
 * Bytes of a block, in which the budget counts: what ext4, XFS, APFS, NTFS and tmpfs give out at a
 * time. It is fixed, since the index of a directory is shared by processes.
 */
export const blockBytes = 4096;

/** Bytes that a blob counts in the budget: its size, rounded up to whole blocks. */
export function chargeOf(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}

/** The share of the budget that quarantined files may take: one part in this many. */
export const quarantineShare = 16;

/** An eviction frees up to one part in this many of the budget more than was asked for. */
export const slackShare = 256;

/** How old, in seconds, an entry's last noted use gets before a hit notes it again. */
export const usedResolutionS = 3600;
