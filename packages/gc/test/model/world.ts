import { type BlobStore, isStoreError } from "@bitstore/core";
import type { Scheduler } from "../../../conformance/src/sim/scheduler.ts";
import { graceMs, type ModelBlob } from "./blobs.ts";
import type { Oracle } from "./oracle.ts";

const minuteMs = 60_000;

/** What all actors of a history share. */
export interface World {
  readonly sim: Scheduler;
  readonly blobs: readonly ModelBlob[];
  readonly oracle: Oracle;
  /** Whether requests of this history are lost or late. */
  readonly isStormy: boolean;
  /** Does not hold collectors to what they have seen. */
  readonly isLax: boolean;
  /** Tells of something that must not happen. */
  readonly violate: (what: string) => void;
  readonly count: (what: string) => void;
  /** Opens the store as a party of its own; one that may not restore leaves the trash as it is. */
  readonly storeOf: (lane: string, restores?: boolean) => BlobStore;
}

/** Waits for a while: at times a moment, at times some graces. */
export async function idle({ sim }: World, lane: string, gracesMax = 2): Promise<void> {
  const random = sim.random;
  const longest = random.pick([100, 10 * minuteMs, 0.7 * graceMs, gracesMax * graceMs]);
  await sim.pause(lane, "idle", random.below(longest));
}

/** Tells whether an error is one that bad weather explains. */
export function isOfWeather(error: unknown): boolean {
  return isStoreError(error) && error.code !== "INTERNAL" && error.code !== "DIGEST_MISMATCH";
}
