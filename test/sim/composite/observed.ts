import type { ScriptedBucket, WatchedStore } from "@bitstore/conformance";
import type { Digest, ErrorCode, Explanation } from "@bitstore/core";
import type { Violation } from "./rules.ts";
import type { Plan, PlannedOperation, PlannedTier } from "./plan.ts";

/** A blob as the oracle knows it. */
export interface Blob {
  readonly index: number;
  readonly digest: Digest;
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** What one call was answered. */
export type Answer =
  | { readonly kind: "error"; readonly code: ErrorCode | "NOT_A_STORE_ERROR"; text: string }
  | { readonly kind: "absent" }
  | {
      readonly kind: "bytes";
      readonly bytes: Uint8Array;
      /** How its bytes ended: cleanly, left by the reader, or with an error. */
      readonly ended: "clean" | "left" | ErrorCode | "NOT_A_STORE_ERROR";
      readonly size: number | undefined;
      readonly verified: boolean;
      readonly range: { readonly start: number; readonly end: number | undefined };
      readonly tier: string;
      readonly version: string | undefined;
    }
  | { readonly kind: "size"; readonly size: number }
  | { readonly kind: "explained"; readonly explanation: Explanation }
  | { readonly kind: "put"; readonly digest: Digest; readonly size: number }
  | { readonly kind: "deleted"; readonly was: boolean }
  | { readonly kind: "fetched"; readonly outcomes: readonly FetchedOne[] };

export interface FetchedOne {
  readonly input: string;
  readonly status: string;
  readonly digest: Digest | undefined;
  readonly bytes: Uint8Array | undefined;
}

/** One call of a caller, from its start to the end of its bytes. */
export interface Call {
  readonly lane: string;
  readonly operation: PlannedOperation;
  readonly blob: Blob | undefined;
  readonly startStep: number;
  readonly startMs: number;
  readonly endStep: number;
  readonly endMs: number;
  /** Virtual milliseconds in which its own reader paused. */
  readonly pausedMs: number;
  readonly answer: Answer;
  /** Nobody may listen to it when all is over. */
  readonly signal: AbortSignal;
}

/** A tier as it was, and all that was asked of it. */
export interface ObservedTier {
  readonly planned: PlannedTier;
  readonly index: number;
  /** May be written by the composite. */
  readonly writable: boolean;
  /** Undefined for the cache in memory. */
  readonly bucket: ScriptedBucket | undefined;
  readonly watched: WatchedStore;
}

/** All that a checker looks at. */
export interface Observed {
  readonly plan: Plan;
  readonly blobs: readonly Blob[];
  readonly tiers: readonly ObservedTier[];
  readonly calls: readonly Call[];
  /** Steps at which the last caller was done, and the rest phase began. */
  readonly restFromStep: number;
  /** How the run ended, and who was not finished then. */
  readonly ended: string;
  readonly unfinished: readonly string[];
  /** Nobody starved and time never leapt, so that times may be judged. */
  readonly isSteady: boolean;
  /** What was seen to be wrong as it happened. */
  readonly seen: readonly Violation[];
  readonly timersLeft: number;
  readonly filesLeft: number;
  readonly spoolsLeft: number;
  /** Times that a disk was full. */
  readonly diskFills: number;
  readonly memoryLeft: ReadonlyMap<Digest, Uint8Array>;
}
