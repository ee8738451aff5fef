import type { Climate } from "@bitstore/conformance";

/** One of the tiers, in the order in which they are asked. */
export interface PlannedTier {
  readonly name: string;
  /** A cache in memory; a bucket; an API that says neither size nor range, and takes nothing. */
  readonly kind: "memory" | "bucket" | "api";
  readonly role: "source" | "cache";
  readonly origin: boolean;
  readonly readOnly: boolean | undefined;
  readonly heal: boolean | undefined;
  readonly onFailure: "next" | "stop";
  readonly forbiddenMeans: "denied" | "miss";
  readonly negativeTtlMs: number;
  readonly climate: Climate;
  readonly limitedTo: number;
  /** Requests that its breaker needs for a verdict. */
  readonly breakerMin: number;
  readonly hedges: boolean;
  /** Of a cache in memory. */
  readonly bytesMax: number;
  /** Blobs that it holds at the start, and those of which its copy is wrong. */
  readonly holds: readonly number[];
  readonly rotten: readonly number[];
  /** Its wrong copies are cut short, or else of the right size. */
  readonly cuts: boolean;
}

/** How a reader takes its bytes. */
export interface Pace {
  readonly takes: "stream" | "bytes";
  /** Milliseconds between chunks. */
  readonly pauseMs: number;
  /** Chunks after which it leaves without a word; undefined: it stays to the end. */
  readonly leavesAfter: number | undefined;
  /** Where it leaves, it is long gone before anyone notices: its read stays open for minutes. */
  readonly vanishes: boolean;
  /** Disposes a read that it never began, or one that it left. */
  readonly disposes: boolean;
}

export type PlannedOperation = { readonly abortAfterMs?: number | undefined } & (
  | { readonly kind: "open"; readonly blob: number; readonly pace: Pace }
  | {
      readonly kind: "range";
      readonly blob: number;
      readonly start: number;
      readonly end: number | undefined;
      readonly pace: Pace;
      /** Asks again at the version that the last range of this caller told. */
      readonly pinned: boolean;
    }
  | { readonly kind: "stat" | "durable" | "explain" | "delete"; readonly blob: number }
  | {
      readonly kind: "fetch";
      readonly blobs: readonly number[];
      readonly concurrencyMax: number;
      readonly ordered: boolean;
    }
  | {
      readonly kind: "put";
      readonly blob: number;
      readonly named: boolean;
      readonly streamed: boolean;
      /** What is wrong with its body. */
      readonly fault: "none" | "throws" | "other bytes";
    }
  | { readonly kind: "wait"; readonly ms: number }
);

export interface PlannedCaller {
  readonly lane: string;
  readonly operations: readonly PlannedOperation[];
}

/** What happens to the tiers from outside. */
export interface PlannedEvent {
  readonly atMs: number;
  readonly tier: number;
  readonly blob: number;
  readonly kind: "rot" | "cut" | "lose" | "plant";
}

/** A history before it happens. */
export interface Plan {
  readonly seed: number;
  readonly sizes: readonly number[];
  readonly tiers: readonly PlannedTier[];
  readonly callers: readonly PlannedCaller[];
  readonly events: readonly PlannedEvent[];
  readonly stormEndMs: number;
  readonly verifyFirstBytesMax: number;
  readonly spool: {
    readonly memoryBytesMax: number;
    readonly spoolBytesMax: number;
    readonly spoolsBytesMax: number;
  };
  readonly fillQueueBytesMax: number;
  readonly fillsInFlightMax: number;
  /** Bytes in memory of a fetch beyond the budget of the spools. */
  readonly windowBytesMax: number;
  /** Entries of each of its memories: not fewer than one blob has tiers. */
  readonly memoryEntriesMax: number;
  readonly diskFullAt: number | undefined;
  readonly pieceBytesMax: number;
  /** The composite is closed when its callers are done, whether or not its fills are. */
  readonly closesEarly: boolean;
}
