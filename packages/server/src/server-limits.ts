import { type SlowLimits, slowLimitsDefault } from "./limits/slow-clients.ts";

/** Bounds of what one request may take. */
export interface ServerLimits {
  /** What clients must keep up with. */
  readonly slow: SlowLimits;
  /** Bytes of a JSON body. */
  readonly jsonBytesMax: number;
  /** Bytes of a body that is kept in memory, so that it can be sent to a tier twice. */
  readonly replayBytesMax: number;
  /** Bytes of the longest blob that is taken in. */
  readonly blobBytesMax: number;
  /** Digests in one list. */
  readonly listedDigestsMax: number;
  /** Bytes of all lists that are held at the same time, in files mostly; of one client's, half of it. */
  readonly listBytesMax: number;
  /** Blobs of one request that are asked for at a time. */
  readonly bulkConcurrencyMax: number;
  /** Bytes up to which a blob waits in memory for its place in an archive. */
  readonly entryBytesMax: number;
  /** Milliseconds between two signs of life on a watch. */
  readonly heartbeatMs: number;
  /** Milliseconds that what a refused client still sends is read, so that it gets its answer. */
  readonly lingerMs: number;
  /** Bytes that are read of it. */
  readonly lingerBytesMax: number;
  /** Milliseconds that an answer of `/readyz` is kept. */
  readonly readyMaxAgeMs: number;
  /** Milliseconds until a tier that is asked whether it answers counts as down. */
  readonly readyTimeoutMs: number;
}

export const serverLimitsDefault: ServerLimits = {
  slow: slowLimitsDefault,
  jsonBytesMax: 256 * 1024,
  replayBytesMax: 256 * 1024,
  blobBytesMax: 5 * 2 ** 40,
  listedDigestsMax: 10_000_000,
  // One client's half takes the longest list of the longest digests.
  listBytesMax: 2 * 2 ** 30,
  bulkConcurrencyMax: 32,
  entryBytesMax: 2 ** 20,
  heartbeatMs: 15_000,
  lingerMs: 2000,
  lingerBytesMax: 16 * 2 ** 20,
  readyMaxAgeMs: 2000,
  readyTimeoutMs: 5000,
};
