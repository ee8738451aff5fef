import type { Clock } from "../clock.ts";
import type { Digest } from "../digest.ts";
import type { OpenSpool } from "../spool/spool.ts";
import type { Generations } from "./generations.ts";
import type { PutJournal } from "./journal.ts";
import type { Memories } from "./memories.ts";
import type { Tier } from "./tier.ts";
import type { WeakDigests } from "./weak-digests.ts";

/** What the parts of one composite share. */
export interface CompositeContext {
  readonly name: string;
  readonly tiers: readonly Tier[];
  /** Takes puts in the origin's place, where there is one. */
  readonly journal: PutJournal | undefined;
  readonly clock: Clock;
  readonly limits: CompositeLimits;
  readonly openSpool: OpenSpool;
  readonly writes: Generations;
  readonly deletions: Generations;
  readonly memories: Memories;
  readonly weakDigests: WeakDigests;
  /** When a tier last answered a read with bytes, and with which blob. */
  readonly successes: Map<string, { readonly digest: Digest; readonly atMs: number }>;
}

export interface CompositeLimits {
  /** Bytes of the largest blob of which nothing is handed out before it is verified. */
  readonly verifyFirstBytesMax: number;
  /** Bytes of blobs in memory that wait for their fill; a read waits for room. */
  readonly fillQueueBytesMax: number;
  /** How long a read waits for room in the fill queue before its fill is given up. */
  readonly fillWaitMs: number;
  /** How long no fill may have moved before reads no longer wait for room in the queue. */
  readonly fillStuckMs: number;
  /** How long a delete waits for a fill of the same blob. */
  readonly fillSettleMs: number;
  /**
   * Fetches of large blobs that go on for their fills alone, once all of their readers have left; what
   * is beyond it is given up, so that nobody can keep a source busy by asking and leaving.
   */
  readonly abandonedFillsMax: number;
  /** Fills of one composite at a time. */
  readonly fillsInFlightMax: number;
  /** How long `dispose` waits for fills. */
  readonly drainMs: number;
  /** Bytes in memory of a fetch that is beyond the budget of the spools. */
  readonly windowBytesMax: number;
  /** Entries of each memory of what tiers said; the least recently used goes first. */
  readonly memoryEntriesMax: number;
}

export const compositeLimitsDefault: CompositeLimits = {
  verifyFirstBytesMax: 4 * 2 ** 20,
  fillQueueBytesMax: 64 * 2 ** 20,
  fillWaitMs: 10_000,
  fillStuckMs: 2000,
  fillSettleMs: 60_000,
  abandonedFillsMax: 8,
  fillsInFlightMax: 32,
  drainMs: 60_000,
  windowBytesMax: 4 * 2 ** 20,
  memoryEntriesMax: 100_000,
};
