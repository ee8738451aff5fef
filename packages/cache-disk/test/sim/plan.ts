import { type Random, seededRandom } from "@bitstore/conformance";
import type { Death, DiskWeather } from "./machine.ts";

export const blockBytes = 4096;

export type PlannedOperation =
  | {
      readonly kind: "put";
      readonly blob: number;
      /** The digest is told beforehand; the size too. */
      readonly named: boolean;
      readonly sized: boolean;
      readonly streamed: boolean;
      readonly fault: "none" | "throws" | "other bytes" | "too long";
      readonly abortAfterMs: number | undefined;
    }
  | {
      readonly kind: "open";
      readonly blob: number;
      readonly range: { readonly start: number; readonly end: number | undefined } | undefined;
      readonly pauseMs: number;
      /** Chunks after which the reader leaves; undefined: it stays. */
      readonly leavesAfter: number | undefined;
    }
  | { readonly kind: "stat" | "delete" | "quarantine"; readonly blob: number }
  | { readonly kind: "prune"; readonly blocks: number }
  | { readonly kind: "list" | "stats" | "reindex" }
  /** Somebody changes a file behind the cache's back. */
  | { readonly kind: "rot"; readonly blob: number; readonly how: Rot }
  | { readonly kind: "wait"; readonly ms: number };

export type Rot = "flip" | "cut" | "remove" | "folder";

export interface PlannedCaller {
  readonly lane: string;
  readonly operations: readonly PlannedOperation[];
}

export interface PlannedProcess {
  readonly name: string;
  readonly startsMs: number;
  readonly death: Death | undefined;
  readonly bytesMax: number;
  /** Reads go through a composite with a healthy origin, whose cache tier this is. */
  readonly isTier: boolean;
  readonly callers: readonly PlannedCaller[];
}

/** Processes that live at a time, and what comes over the machine when they are gone. */
export interface PlannedGeneration {
  readonly processes: readonly PlannedProcess[];
  readonly after: "nothing" | "power loss" | "index lost" | "index damaged";
}

/** A history before it happens. */
export interface Plan {
  readonly seed: number;
  readonly sizes: readonly number[];
  readonly entriesMax: number | undefined;
  readonly fsync: boolean;
  /** There is room for everything at once, so that nothing is ever evicted. */
  readonly isRoomy: boolean;
  readonly weather: DiskWeather;
  readonly generations: readonly PlannedGeneration[];
}

const sizePool = [0, 1, 700, 4095, 4096, 4097, 9000, 12_288, 20_000];
const roomyBlocks = 200;

/** Draws a history: 1 to 3 generations of 1 or 2 processes, of 1 to 3 callers each. */
export function planHistory(seed: number): Plan {
  const random = seededRandom(seed).fork("plan");
  const isRoomy = random.chance(0.35);
  const blobs = 2 + random.below(6);
  const rots = random.chance(0.35);
  const bytesMax = isRoomy ? roomyBlocks : 8 + random.below(12);
  const sizes = Array.from({ length: blobs }, () => random.pick(sizePool));
  const generations = Array.from({ length: 1 + random.below(3) }, (_, number) => ({
    processes: Array.from({ length: random.chance(0.45) ? 2 : 1 }, (__, index) =>
      planProcess(random, { name: `p${number}${"ab"[index]}`, blobs, rots, bytesMax, index }),
    ),
    after: random.chance(0.45)
      ? ("nothing" as const)
      : random.pick(["power loss", "power loss", "index lost", "index damaged"] as const),
  }));
  return {
    seed,
    sizes,
    entriesMax: !isRoomy && random.chance(0.25) ? 2 + random.below(3) : undefined,
    fsync: random.chance(0.4),
    isRoomy,
    weather: planWeather(random),
    generations,
  };
}

function planWeather(random: Random): DiskWeather {
  const none = { full: 0, broken: 0, handles: 0, busy: 0, short: 0, stormEndMs: 0 };
  if (random.chance(0.35)) return none;
  const drawn = (chance: number): number =>
    random.chance(chance) ? random.pick([0.01, 0.05, 0.2]) : 0;
  return {
    full: drawn(0.4),
    broken: drawn(0.4),
    handles: drawn(0.2),
    busy: drawn(0.3),
    short: random.chance(0.5) ? 0.3 : 0,
    stormEndMs: random.pick([200, 1000, 10_000, 1e9]),
  };
}

interface ProcessDraw {
  readonly name: string;
  readonly blobs: number;
  readonly rots: boolean;
  readonly bytesMax: number;
  readonly index: number;
}

function planProcess(random: Random, draw: ProcessDraw): PlannedProcess {
  const { name, blobs, rots, bytesMax, index } = draw;
  const death = random.chance(0.45)
    ? { atCall: 1 + random.below(random.pick([30, 120, 300])), afterEffect: random.chance(0.5) }
    : undefined;
  const callers = Array.from(
    { length: 1 + random.below(3) },
    (_, at): PlannedCaller => ({
      lane: `${name}${at}`,
      operations: Array.from({ length: 2 + random.below(6) }, () =>
        planOperation(random, blobs, rots),
      ),
    }),
  );
  return {
    name,
    startsMs: index === 0 ? 0 : random.below(60),
    death,
    bytesMax: bytesMax * blockBytes + (random.chance(0.2) ? 17 : 0),
    isTier: random.chance(0.2),
    callers,
  };
}

function planOperation(random: Random, blobs: number, rots: boolean): PlannedOperation {
  const blob = random.below(blobs);
  const what = random.next();
  if (what < 0.42) return planPut(random, blob);
  if (what < 0.68) return planOpen(random, blob);
  if (what < 0.76) return { kind: "delete", blob };
  if (what < 0.82) return { kind: "wait", ms: random.below(random.pick([10, 400])) };
  if (what < 0.89 && rots) {
    return {
      kind: "rot",
      blob,
      how: random.pick(["flip", "flip", "cut", "cut", "remove", "folder"]),
    };
  }
  if (what < 0.89) return { kind: "prune", blocks: random.below(8) };
  if (what < 0.93) return { kind: "quarantine", blob };
  return { kind: random.pick(["list", "stats", "reindex"]) };
}

function planPut(random: Random, blob: number): PlannedOperation {
  return {
    kind: "put",
    blob,
    named: random.chance(0.6),
    sized: random.chance(0.5),
    streamed: random.chance(0.6),
    fault: random.chance(0.85) ? "none" : random.pick(["throws", "other bytes", "too long"]),
    abortAfterMs: random.chance(0.08) ? random.below(40) : undefined,
  };
}

function planOpen(random: Random, blob: number): PlannedOperation {
  const start = random.below(9000);
  return {
    kind: "open",
    blob,
    range: random.chance(0.25)
      ? { start, end: random.chance(0.5) ? start + 1 + random.below(6000) : undefined }
      : undefined,
    pauseMs: random.chance(0.3) ? random.below(60) : 0,
    leavesAfter: random.chance(0.1) ? random.below(3) : undefined,
  };
}
