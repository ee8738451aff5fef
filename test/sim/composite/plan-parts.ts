import { type Climate, type Random, type Trouble, troubles } from "@bitstore/conformance";
import type { Pace, PlannedCaller, PlannedEvent, PlannedOperation, PlannedTier } from "./plan.ts";

/** Draws 1 to 5 tiers, and what each has. */
export function planTiers(
  random: Random,
  sizes: readonly number[],
  stormEndMs: number,
): PlannedTier[] {
  const tiers: PlannedTier[] = [];
  const add = (some: Pick<PlannedTier, "name" | "kind" | "role"> & Partial<PlannedTier>): void => {
    const isCache = some.role === "cache";
    const holds = sizes.flatMap((_, blob) => (random.chance(isCache ? 0.2 : 0.6) ? [blob] : []));
    const isSick = random.chance(0.35);
    tiers.push({
      origin: false,
      readOnly: undefined,
      heal: random.chance(0.2) ? random.chance(0.5) : undefined,
      onFailure: random.chance(0.06) ? "stop" : "next",
      forbiddenMeans: random.chance(0.2) ? "miss" : "denied",
      negativeTtlMs: random.pick([0, 1000, 5000]),
      climate: planClimate(random, stormEndMs),
      limitedTo: random.pick([1, 2, 64]),
      breakerMin: random.pick([4, 20]),
      hedges: random.chance(0.2),
      bytesMax: random.pick([600, 1500, 20_000]),
      holds,
      cuts: random.chance(0.4),
      rotten: isSick ? holds.filter(() => random.chance(0.6)) : [],
      ...some,
    });
  };
  if (random.chance(0.5)) add({ name: "memory", kind: "memory", role: "cache" });
  if (random.chance(0.6)) {
    const readOnly = random.chance(0.1) ? true : undefined;
    add({ name: "cache", kind: "bucket", role: "cache", readOnly });
  }
  if (random.chance(0.4)) add({ name: "other", kind: "bucket", role: "source" });
  // Nothing else is sure to be there.
  if (!tiers.some(({ kind }) => kind === "bucket") || random.chance(0.9)) {
    add({ name: "origin", kind: "bucket", role: "source", origin: random.chance(0.95) });
  }
  if (random.chance(0.3)) add({ name: "api", kind: "api", role: "source" });
  return tiers;
}

function planClimate(random: Random, stormEndMs: number): Climate {
  const lasting = random.chance(0.05)
    ? random.pick(["gone", "forbidden", "silent"] as const)
    : undefined;
  return {
    latencyMs: random.pick([1, 20, 100]),
    tailChance: random.chance(0.3) ? 0.1 : 0,
    chunkBytes: random.pick([64, 100, 200, 300]),
    chunkMs: random.pick([0, 5, 50]),
    storm: stormEndMs === 0 ? {} : planStorm(random),
    stormEndMs,
    lasting,
    isSizeless: random.chance(0.1),
  };
}

/** What comes to any tier; the others are for histories of their own. */
const common = troubles.filter((trouble) => trouble !== "slowDelete");

/** Draws one kind of trouble alone or several, from now and then to nearly always. */
function planStorm(random: Random): Partial<Record<Trouble, number>> {
  if (random.chance(0.35)) return {};
  const strength = random.pick([0.1, 0.3, 0.6, 0.95]);
  const chosen = new Set<Trouble>([random.pick(common)]);
  while (random.chance(0.5)) chosen.add(random.pick(common));
  return Object.fromEntries([...chosen].map((trouble) => [trouble, strength / chosen.size]));
}

export function planEvent(
  random: Random,
  tiers: readonly PlannedTier[],
  sizes: readonly number[],
): PlannedEvent {
  return {
    atMs: random.below(5000),
    tier: random.below(tiers.length),
    blob: random.below(sizes.length),
    kind: random.pick(["rot", "cut", "lose", "plant"] as const),
  };
}

export type Kind = PlannedOperation["kind"];

/** What a history is of: most are of few kinds, so that these meet each other often. */
export const mixtures: readonly (readonly Kind[])[] = [
  ["open"],
  ["open", "open", "open", "range", "stat", "explain"],
  ["open", "put", "delete", "open", "put", "delete", "stat", "wait"],
  ["open", "delete", "open", "open", "wait"],
  ["range", "range", "open"],
  ["fetch", "open", "fetch"],
  ["put", "put", "open", "durable", "stat", "put", "delete"],
  ["open", "open", "range", "stat", "durable", "explain", "delete", "fetch", "put", "wait"],
];

export function planOperation(
  random: Random,
  kinds: readonly Kind[],
  sizes: readonly number[],
): PlannedOperation {
  // A blob more than there are: one that nobody has.
  const blob = random.chance(0.04) ? sizes.length : random.below(sizes.length);
  const abort = random.chance(0.12) ? { abortAfterMs: abortDelay(random) } : {};
  const kind = random.pick(kinds);
  switch (kind) {
    case "open":
      return { kind, blob, pace: planPace(random), ...abort };
    case "range": {
      const size = sizes[blob] ?? 10;
      const start = random.below(size + 2);
      const end = random.chance(0.4) ? undefined : start + 1 + random.below(size + 2);
      const pinned = random.chance(0.5);
      return { kind, blob, start, end, pace: planPace(random), pinned, ...abort };
    }
    case "fetch": {
      const blobs = Array.from({ length: 1 + random.below(5) }, () =>
        random.below(sizes.length + 1),
      );
      const concurrencyMax = 1 + random.below(3);
      return { kind, blobs, concurrencyMax, ordered: random.chance(0.5), ...abort };
    }
    case "put":
      return {
        kind,
        blob,
        named: random.chance(0.6),
        streamed: random.chance(0.6),
        fault: random.chance(0.85) ? "none" : random.pick(["throws", "other bytes"] as const),
        ...abort,
      };
    case "wait":
      return { kind, ms: Math.floor(random.next() ** 3 * 20_000) };
    default:
      return { kind, blob, ...abort };
  }
}

function abortDelay(random: Random): number {
  return Math.floor(random.next() ** 3 * 10_000);
}

export function planPace(random: Random): Pace {
  return {
    takes: random.chance(0.3) ? "bytes" : "stream",
    pauseMs: random.chance(0.6) ? 0 : random.pick([5, 100, 8000]),
    leavesAfter: random.chance(0.8) ? undefined : random.below(4),
    disposes: random.chance(0.7),
    vanishes: random.chance(0.2),
  };
}

/** Reads one blob again and again, so that layers know what answers usually take. */
export function warmUp(random: Random, sizes: readonly number[]): PlannedCaller {
  const blob = random.below(sizes.length);
  const pace: Pace = {
    takes: "bytes",
    pauseMs: 0,
    leavesAfter: undefined,
    vanishes: false,
    disposes: true,
  };
  const operation: PlannedOperation = random.chance(0.5)
    ? { kind: "stat", blob }
    : { kind: "open", blob, pace };
  return { lane: "warm", operations: Array.from({ length: 40 }, () => operation) };
}
