import { type Random, seededRandom } from "@bitstore/conformance";
import {
  type Kind,
  mixtures,
  planEvent,
  planOperation,
  planPace,
  planTiers,
  warmUp,
} from "./plan-parts.ts";
import type { Pace, Plan, PlannedCaller, PlannedOperation, PlannedTier } from "./plan.ts";

/** Bytes up to which a blob of the plan is small, where the plan's limits say so. */
const smallBytes = 256;
const sizesPool = [0, 1, 200, 255, 256, 257, 600, 900, 1500, 2500];

/** Draws a history: 1 to 5 tiers, 1 to 3 blobs, 1 to 4 callers. */
export function planHistory(seed: number): Plan {
  const random = seededRandom(seed).fork("plan");
  const kind = random.next();
  // Some mistakes need several things at once, which chance alone seldom brings together.
  if (kind < 0.12) return drawCrowd(seed, random);
  if (kind < 0.22) return drawDeletes(seed, random);
  if (kind < 0.3) return drawPuts(seed, random);
  if (kind < 0.36) return drawRanges(seed, random);
  if (kind < 0.39) return drawLeavers(seed, random);
  if (kind < 0.43) return drawBroken(seed, random);
  if (kind < 0.48) return drawOverrun(seed, random);
  if (kind < 0.49) return drawFull(seed, random);
  if (kind < 0.5) return drawStuckCache(seed, random);
  const count = random.chance(0.85) ? 1 + random.below(3) : 5;
  const sizes = Array.from({ length: count }, () => random.pick(sizesPool));
  const plan = drawFrame(seed, random, sizes, random.pick(mixtures));
  const warm = random.chance(0.04) ? [warmUp(random, sizes)] : [];
  return { ...plan, callers: [...warm, ...plan.callers] };
}

function drawFrame(
  seed: number,
  random: Random,
  sizes: readonly number[],
  kinds: readonly Kind[],
): Plan {
  const isCalm = random.chance(0.2);
  const stormEndMs = isCalm ? 0 : random.pick([2000, 20_000, 60_000]);
  const tiers = planTiers(random, sizes, stormEndMs);
  const isRoomy = random.chance(0.5);
  const callers = Array.from({ length: 1 + random.below(4) }, (_, index): PlannedCaller => {
    const operations = Array.from({ length: 1 + random.below(5) }, () =>
      planOperation(random, kinds, sizes),
    );
    return { lane: `c${index}`, operations };
  });
  return {
    seed,
    sizes,
    tiers,
    callers,
    events: random.chance(0.3)
      ? Array.from({ length: 1 + random.below(3) }, () => planEvent(random, tiers, sizes))
      : [],
    stormEndMs,
    verifyFirstBytesMax: smallBytes,
    spool: {
      memoryBytesMax: isRoomy ? 4000 : random.pick([200, 500, 1000]),
      // Not less than a chunk or two, as no real one is.
      spoolBytesMax: isRoomy ? 10_000 : random.pick([700, 1200, 4000]),
      spoolsBytesMax: isRoomy ? 1e6 : random.pick([0, 2000, 1e6]),
    },
    fillQueueBytesMax: random.pick([100, 400, 1e6]),
    fillsInFlightMax: random.pick([1, 2, 32]),
    windowBytesMax: random.pick([100, 300, 4000]),
    memoryEntriesMax: random.chance(0.1) ? 8 : 100,
    diskFullAt: random.chance(0.05) ? random.below(2000) : undefined,
    pieceBytesMax: random.pick([100, 1e6]),
    closesEarly: random.chance(0.15),
  };
}

/** Draws readers of one blob, at all paces, who share a spool that is too small for them. */
function drawCrowd(seed: number, random: Random): Plan {
  const sizes = [random.pick([900, 1500, 2500])];
  const plan = drawFrame(seed, random, sizes, ["open"]);
  const buckets = plan.tiers.filter(({ kind }) => kind === "bucket");
  const callers = Array.from({ length: 2 + random.below(3) }, (_, index): PlannedCaller => {
    const pace = { ...planPace(random), pauseMs: random.pick([0, 0, 5, 100, 3000]) };
    const wait: PlannedOperation = { kind: "wait", ms: random.pick([0, 10, 50, 200]) };
    return { lane: `c${index}`, operations: [wait, { kind: "open", blob: 0, pace }] };
  });
  return {
    ...plan,
    tiers: buckets.map((tier) => ({
      ...tier,
      holds: random.chance(tier.role === "cache" ? 0.4 : 0.9) ? [0] : [],
      rotten: random.chance(0.35) ? [0] : [],
      limitedTo: 64,
    })),
    callers,
    events: [],
    spool: {
      memoryBytesMax: random.pick([100, 200, 400]),
      spoolBytesMax: random.pick([400, 700]),
      spoolsBytesMax: 1e6,
    },
    fillQueueBytesMax: 1e6,
    fillsInFlightMax: 32,
    closesEarly: false,
  };
}

/** Draws deletes of what only the origin and caches have, beside reads that fill them. */
function drawDeletes(seed: number, random: Random): Plan {
  const sizes = [random.pick([200, 256, 600, 1500])];
  const plan = drawFrame(seed, random, sizes, ["open", "open", "delete"]);
  const isOurs = ({ role, origin }: PlannedTier): boolean => role === "cache" || origin;
  const tiers = plan.tiers.filter(isOurs);
  if (tiers.length < 2) return plan;
  const kind = random.next();
  if (kind < 0.25) return drawSlowDeletes(plan, random, tiers);
  if (kind < 0.5) return drawLateFills(plan, random, tiers);
  return {
    ...plan,
    tiers: tiers.map((tier) => ({
      ...tier,
      holds: tier.origin || random.chance(0.3) ? [0] : [],
      rotten: [],
      // A slow origin before quick caches: what is on its way is long on its way.
      climate: tier.origin
        ? { ...tier.climate, latencyMs: 100, chunkBytes: 64, chunkMs: 50 }
        : { ...tier.climate, latencyMs: 1, chunkMs: 0 },
    })),
    events: [],
  };
}

/** Draws a cache that deletes at once and says so late, beside quick reads that fill it meanwhile. */
function drawSlowDeletes(plan: Plan, random: Random, tiers: readonly PlannedTier[]): Plan {
  const readers = [1, 2, 3].map((index): PlannedCaller => {
    const wait: PlannedOperation = { kind: "wait", ms: random.below(5000) };
    return { lane: `c${index}`, operations: [wait, readWhole(0)] };
  });
  const remover: PlannedCaller = { lane: "c0", operations: [{ kind: "delete", blob: 0 }] };
  return {
    ...plan,
    tiers: tiers.map((tier) => {
      const storm = tier.origin ? {} : { slowDelete: 0.9 };
      const climate = { ...tier.climate, latencyMs: 1, chunkMs: 0, storm, stormEndMs: 20_000 };
      return { ...tier, holds: [0], rotten: [], climate: { ...climate, lasting: undefined } };
    }),
    callers: [remover, ...readers],
    events: [],
    stormEndMs: 20_000,
    closesEarly: false,
  };
}

/** Draws fills that arrive late, beside a delete that comes while they are on their way. */
function drawLateFills(plan: Plan, random: Random, tiers: readonly PlannedTier[]): Plan {
  const wait: PlannedOperation = { kind: "wait", ms: random.below(6000) };
  return {
    ...plan,
    tiers: tiers.map((tier) => {
      const storm = tier.origin ? {} : { slow: 0.3 };
      const quiet = { latencyMs: 1, chunkMs: 0, storm, stormEndMs: 60_000, lasting: undefined };
      const climate = { ...tier.climate, ...quiet };
      return { ...tier, holds: tier.origin ? [0] : [], rotten: [], limitedTo: 64, climate };
    }),
    callers: [
      { lane: "c0", operations: [readWhole(0)] },
      { lane: "c1", operations: [wait, { kind: "delete", blob: 0 }] },
    ],
    events: [],
    stormEndMs: 60_000,
    closesEarly: false,
  };
}

/** Draws puts of what nobody has, beside reads that miss it. */
function drawPuts(seed: number, random: Random): Plan {
  const sizes = [random.pick(sizesPool)];
  const plan = drawFrame(seed, random, sizes, ["open", "open", "stat", "put"]);
  const tiers = plan.tiers.map((tier) => ({ ...tier, holds: [], rotten: [], negativeTtlMs: 5000 }));
  return { ...plan, tiers, events: [] };
}

/** Draws ranges of what is verified, while it changes under them. */
function drawRanges(seed: number, random: Random): Plan {
  const sizes = [random.pick([257, 600, 900])];
  const plan = drawFrame(seed, random, sizes, ["open", "range", "range"]);
  const isLying = random.chance(0.3);
  const tiers = plan.tiers.slice(-2).map((tier) => {
    const storm = isLying ? { wholeForRange: 0.3, end: 0.3, flip: 0.1 } : tier.climate.storm;
    return { ...tier, holds: [0], rotten: [], climate: { ...tier.climate, storm } };
  });
  const events = Array.from({ length: 3 }, () => ({
    ...planEvent(random, tiers, sizes),
    atMs: random.below(1000),
    blob: 0,
    kind: random.pick(["rot", "rot", "plant", "cut"] as const),
  }));
  return { ...plan, tiers, events };
}

/** Draws readers in calm weather who leave what a cache is filled with. */
function drawLeavers(seed: number, random: Random): Plan {
  const sizes = [random.pick([600, 900, 1500, 2500])];
  const plan = drawFrame(seed, random, sizes, ["open"]);
  const callers = Array.from({ length: 1 + random.below(2) }, (_, index): PlannedCaller => {
    const pace = { ...planPace(random), takes: "stream" as const, leavesAfter: random.below(4) };
    return { lane: `c${index}`, operations: [{ kind: "open", blob: 0, pace }] };
  });
  return {
    ...plan,
    tiers: plan.tiers.flatMap((tier) => {
      if (tier.name !== "cache" && tier.name !== "origin") return [];
      const climate = { ...tier.climate, storm: {}, stormEndMs: 0, lasting: undefined };
      const holds = tier.name === "origin" ? [0] : [];
      return [{ ...tier, climate, holds, rotten: [], readOnly: undefined }];
    }),
    callers,
    events: [],
    stormEndMs: 0,
    spool: { memoryBytesMax: 500, spoolBytesMax: 10_000, spoolsBytesMax: 1e6 },
    diskFullAt: undefined,
    closesEarly: false,
  };
}

/** Draws readers of more blobs than a cache in memory has room for. */
function drawFull(seed: number, random: Random): Plan {
  const sizes = Array.from({ length: 5 }, () => random.pick([600, 700]));
  const plan = drawFrame(seed, random, sizes, ["open"]);
  const caller = { lane: "c0", operations: sizes.map((_, blob) => readWhole(blob)) };
  const [first] = plan.tiers;
  if (first === undefined) return plan;
  const memory: PlannedTier = {
    ...first,
    name: "memory",
    kind: "memory",
    role: "cache",
    origin: false,
    readOnly: undefined,
    holds: [],
    rotten: [],
    bytesMax: random.pick([1600, 2000]),
  };
  const sources = plan.tiers
    .filter(({ kind }) => kind !== "memory")
    .map((tier) => ({ ...tier, holds: [...sizes.keys()], rotten: [] }));
  const spool = { memoryBytesMax: 4000, spoolBytesMax: 10_000, spoolsBytesMax: 1e6 };
  const callers = [caller, ...plan.callers];
  return { ...plan, tiers: [memory, ...sources], callers, events: [], spool };
}

/** Draws quick readers of small blobs before a cache that often does not answer. */
function drawStuckCache(seed: number, random: Random): Plan {
  const sizes = [200, 255, 200];
  const plan = drawFrame(seed, random, sizes, ["open"]);
  const callers = sizes.map((_, blob): PlannedCaller => {
    const wait: PlannedOperation = { kind: "wait", ms: random.below(500) };
    return { lane: `c${blob}`, operations: [wait, readWhole(blob)] };
  });
  return {
    ...plan,
    tiers: plan.tiers.flatMap((tier) => {
      if (tier.name !== "cache" && tier.name !== "origin") return [];
      const storm = tier.name === "origin" ? {} : { silent: 0.4 };
      const climate = { ...tier.climate, latencyMs: 1, chunkMs: 0, storm, stormEndMs: 60_000 };
      const holds = tier.name === "origin" ? [...sizes.keys()] : [];
      const calm = { ...climate, lasting: undefined };
      return [{ ...tier, climate: calm, holds, rotten: [], readOnly: undefined, limitedTo: 64 }];
    }),
    callers,
    events: [],
    stormEndMs: 60_000,
    fillQueueBytesMax: 100,
    fillsInFlightMax: 32,
    closesEarly: false,
  };
}

function readWhole(blob: number): PlannedOperation {
  const pace = { takes: "bytes", pauseMs: 0, leavesAfter: undefined } as const;
  return { kind: "open", blob, pace: { ...pace, vanishes: false, disposes: true } };
}

/** Draws one reader of bodies that nearly always break. */
function drawBroken(seed: number, random: Random): Plan {
  const sizes = [random.pick([200, 255, 900, 2500])];
  const plan = drawFrame(seed, random, sizes, ["open"]);
  const trouble = random.pick(["reset", "end", "stall"] as const);
  return {
    ...plan,
    tiers: plan.tiers.map((tier) => ({
      ...tier,
      holds: [0],
      rotten: [],
      forbiddenMeans: "denied",
      hedges: false,
      climate: { ...tier.climate, storm: { [trouble]: 0.95 }, stormEndMs: 60_000 },
    })),
    callers: plan.callers.slice(0, 1),
    events: [],
    stormEndMs: 60_000,
  };
}

/** Draws a slow reader beside a quick one, whose bytes are turned over now and then on their way. */
function drawOverrun(seed: number, random: Random): Plan {
  const sizes = [random.pick([900, 1500])];
  const plan = drawFrame(seed, random, sizes, ["open"]);
  const callers = [0, random.pick([30, 100, 1000])].map((pauseMs, index): PlannedCaller => {
    const pace: Pace = {
      takes: "stream",
      pauseMs,
      leavesAfter: undefined,
      vanishes: false,
      disposes: true,
    };
    return { lane: `c${index}`, operations: [{ kind: "open", blob: 0, pace }] };
  });
  return {
    ...plan,
    tiers: plan.tiers.flatMap((tier) => {
      if (tier.role === "cache") return [];
      const storm = { flip: random.pick([0.3, 0.6]) };
      const climate = { ...tier.climate, chunkBytes: 64, storm, stormEndMs: 60_000 };
      return [{ ...tier, holds: [0], rotten: [], limitedTo: 64, climate }];
    }),
    callers,
    events: [],
    stormEndMs: 60_000,
    spool: { memoryBytesMax: random.pick([100, 200]), spoolBytesMax: 300, spoolsBytesMax: 1e6 },
  };
}
