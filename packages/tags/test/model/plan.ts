import { type Random, type Storm, calm, seededRandom, seededStorm } from "@bitstore/conformance";
import type { TagLimits } from "../../src/index.ts";

/** What a write expects, resolved when it is called: `seen` is what its caller last saw of the tag. */
export type PlannedExpectation =
  | "absent"
  | "seen seq"
  | "seen digest"
  | { readonly seq: number }
  | { readonly digest: number };

export interface PlannedWrite {
  readonly expect?: PlannedExpectation | undefined;
  /** Who makes the nonce; the log does if left out. */
  readonly nonce?: "with base" | "without base" | undefined;
  /** How often it is tried again while nobody knows whether it was written. */
  readonly retries: number;
  /** Tries again on this handle: the process that tried before has died. */
  readonly retryHandle?: number | undefined;
}

/** One operation of a caller. */
export type PlannedOperation = { readonly abortAfterMs?: number | undefined } & (
  | ({ readonly kind: "append"; readonly tag: string; readonly digest: number } & PlannedWrite)
  | ({ readonly kind: "annotate"; readonly tag: string } & PlannedWrite)
  | ({ readonly kind: "remove"; readonly tag: string } & PlannedWrite)
  | ({ readonly kind: "rollback"; readonly tag: string; readonly seq: number } & PlannedWrite)
  | { readonly kind: "head"; readonly tag: string; readonly maxAgeMs?: number | undefined }
  | { readonly kind: "get"; readonly tag: string; readonly seq: number }
  | { readonly kind: "asOf"; readonly tag: string; readonly share: number }
  | { readonly kind: "history"; readonly tag: string; readonly before?: number; limit?: number }
  | { readonly kind: "list"; readonly deleted: boolean; readonly prefix?: string | undefined }
  | { readonly kind: "verify"; readonly tag: string }
  | { readonly kind: "reopen" }
  | { readonly kind: "wait"; readonly ms: number }
);

export interface PlannedCaller {
  readonly lane: string;
  readonly handle: number;
  readonly operations: readonly PlannedOperation[];
}

export interface PlannedHandle {
  readonly limits: Partial<TagLimits>;
  readonly clockOffsetMs: number;
  readonly clockRate: number;
  readonly serviceSkewMs: number;
  readonly pageItems: number;
}

/** A history before it happens: who does what, in which weather, by which clocks. */
export interface Plan {
  readonly seed: number;
  /** The bucket was never used: the first write has to find out what it can do. */
  readonly isNew: boolean;
  readonly tags: readonly string[];
  readonly handles: readonly PlannedHandle[];
  readonly callers: readonly PlannedCaller[];
  /** Tags that are watched from the start, on a handle. */
  readonly watches: readonly { readonly tag: string; readonly handle: number }[];
  readonly storm: Storm;
  readonly stormEndMs: number;
  readonly outageFromMs: number | undefined;
}

const hourMs = 3_600_000;
// Names of which one starts with another, or that are written otherwise in keys.
const tagPool = ["a", "a/b", "a.", "ab", "A", "a-b"];

/** Draws a history: 2 to 4 handles, 1 or 2 tags, 5 to 25 operations. */
export function planHistory(seed: number): Plan {
  const random = seededRandom(seed).fork("plan");
  const first = random.pick(tagPool);
  const tags = random.chance(0.65) ? [first] : [...new Set([first, random.pick(tagPool)])];
  const handles = Array.from({ length: 2 + random.below(3) }, () => planHandle(random));
  const callerCount = Math.max(2, Math.min(4, handles.length + random.below(3)));
  const total = 5 + random.below(21);
  // Most histories are of few kinds, so that these meet each other often.
  const kinds = random.pick([writes, writes, deletions, deletions, everything, everything, looks]);
  const callers = Array.from({ length: callerCount }, (_, index): PlannedCaller => {
    const handle = index < handles.length ? index : random.below(handles.length);
    const own = Math.ceil(total / callerCount);
    const draw = (): PlannedOperation => planOperation(random, tags, handles.length, kinds);
    return { lane: `c${index}`, handle, operations: Array.from({ length: own }, draw) };
  });
  const watches = random.chance(0.04)
    ? [{ tag: random.pick(tags), handle: random.below(handles.length) }]
    : [];
  const storm = seededStorm(random);
  return {
    seed,
    isNew: random.chance(0.03),
    tags,
    handles,
    callers,
    watches,
    storm,
    stormEndMs: storm === calm ? 0 : random.pick([2000, 20_000, 100_000]),
    outageFromMs: random.chance(0.05) ? random.below(20_000) : undefined,
  };
}

function planHandle(random: Random): PlannedHandle {
  const limits: Partial<TagLimits> = {
    ...(random.chance(0.3) ? { relistMs: random.pick([0, 300, 5000]) } : {}),
    ...(random.chance(0.2) ? { probesMax: 1 } : {}),
    ...(random.chance(0.1) ? { headsBytesMax: 4096 } : {}),
    ...(random.chance(0.2) ? { attemptMs: 1000, deadlineMs: 8000 } : {}),
  };
  const isApart = random.chance(0.6);
  return {
    limits,
    clockOffsetMs: isApart ? random.pick([-1, 1]) * hourMs : 0,
    clockRate: random.pick([1, 1, 0.9, 1.1]),
    serviceSkewMs: isApart ? random.pick([-hourMs, 0, hourMs]) : 0,
    pageItems: random.pick([1, 2, 1000, 1000]),
  };
}

type Kind = PlannedOperation["kind"];

const writes: readonly Kind[] = ["append", "append", "append", "append", "head", "remove", "wait"];
const deletions: readonly Kind[] = ["append", "remove", "list", "append", "remove", "head", "list"];
const looks: readonly Kind[] = ["append", "head", "head", "append", "head", "head", "reopen"];
const everything: readonly Kind[] = [
  "append",
  "append",
  "append",
  "append",
  "remove",
  "remove",
  "rollback",
  "annotate",
  "head",
  "head",
  "get",
  "asOf",
  "history",
  "list",
  "verify",
  "reopen",
  "wait",
];

function planOperation(
  random: Random,
  tags: readonly string[],
  handles: number,
  kinds: readonly Kind[],
): PlannedOperation {
  const tag = random.pick(tags);
  const abortAfterMs = random.chance(0.06) ? Math.floor(random.next() ** 3 * 20_000) : undefined;
  const abort = abortAfterMs === undefined ? {} : { abortAfterMs };
  const write = planWrite(random, handles);
  const kind = random.pick(kinds);
  switch (kind) {
    case "append":
      return { kind, tag, digest: random.below(3), ...abort, ...write };
    case "annotate":
    case "remove":
      return { kind, tag, ...abort, ...write };
    case "rollback":
      return { kind, tag, seq: 1 + random.below(5), ...abort, ...write };
    case "head":
      return {
        kind,
        tag,
        ...(random.chance(0.4) ? { maxAgeMs: random.below(5000) } : {}),
        ...abort,
      };
    case "get":
      return { kind, tag, seq: 1 + random.below(8), ...abort };
    case "asOf":
      return { kind, tag, share: random.next(), ...abort };
    case "history": {
      const before = random.chance(0.3) ? { before: 1 + random.below(8) } : {};
      const limit = random.chance(0.3) ? { limit: random.below(4) } : {};
      return { kind, tag, ...before, ...limit, ...abort };
    }
    case "list": {
      const prefix = random.chance(0.2) ? { prefix: tag.slice(0, 1 + random.below(3)) } : {};
      return { kind, deleted: random.chance(0.2), ...prefix, ...abort };
    }
    case "verify":
      return { kind, tag, ...abort };
    case "reopen":
      return { kind };
    default:
      return { kind, ms: Math.floor(random.next() ** 3 * 30_000) };
  }
}

function planWrite(random: Random, handles: number): PlannedWrite {
  const nonce = random.next();
  const kind = nonce < 0.5 ? undefined : nonce < 0.85 ? "with base" : "without base";
  return {
    ...(random.chance(0.5) ? { expect: planExpectation(random) } : {}),
    ...(kind === undefined ? {} : { nonce: kind }),
    retries: random.below(4),
    ...(random.chance(0.4) ? { retryHandle: random.below(handles) } : {}),
  };
}

function planExpectation(random: Random): PlannedExpectation {
  const kind = random.below(5);
  if (kind === 0) return "absent";
  if (kind === 1) return { seq: random.below(6) };
  if (kind === 2) return { digest: random.below(3) };
  return kind === 3 ? "seen seq" : "seen digest";
}
