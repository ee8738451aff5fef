/** What bounds a tag log's memory, waits and requests. */
export interface TagLimits {
  /** Bytes of manifests that are kept in memory, so that a known tag costs one request. */
  readonly headsBytesMax: number;
  /** Milliseconds after which a known head is listed again: a log that went backwards is an alarm. */
  readonly relistMs: number;
  /** Entries that a reader goes on by reading the next, before it lists. */
  readonly probesMax: number;
  /** Milliseconds of one request. */
  readonly attemptMs: number;
  /** Milliseconds of one operation, its attempts and pauses together. */
  readonly deadlineMs: number;
  /** Milliseconds of the first pause at most; it doubles, and a random part of it is waited. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
  /** Milliseconds between two looks of a watch. */
  readonly pollMs: number;
  /** Entries that are searched for a nonce that is given without a base. */
  readonly nonceSearchMax: number;
  /** Requests at a time of one listing or audit. */
  readonly concurrencyMax: number;
}

export const tagLimitsDefault: TagLimits = {
  headsBytesMax: 32 * 2 ** 20,
  relistMs: 300_000,
  probesMax: 4,
  attemptMs: 10_000,
  deadlineMs: 60_000,
  pauseMs: 20,
  pauseMsMax: 2000,
  pollMs: 1000,
  nonceSearchMax: 1024,
  concurrencyMax: 16,
};

/** Bytes of the longest manifest. */
export const manifestBytesMax: number = 64 * 1024;

/** Entries before it that a manifest names. */
export const recentMax = 16;

/** Bytes of UTF-8. */
export const actorBytesMax = 256;
export const reasonBytesMax = 1024;
export const annotationsBytesMax: number = 32 * 1024;
export const mediaTypeBytesMax = 255;
