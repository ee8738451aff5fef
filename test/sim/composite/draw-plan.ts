import { type Random, seededRandom } from "@bitstore/conformance";
import { isAvoided } from "./known-defects.ts";
import {
  type Kind,
  mixtures,
  planEvent,
  planOperation,
  planPace,
  planTiers,
  warmUp,
} from "./plan-parts.ts";
import type { Plan, PlannedCaller, PlannedOperation, PlannedTier } from "./plan.ts";

/** Bytes up to which a blob of the plan is small, where the plan's limits say so. */
const smallBytes = 256;
const sizesPool = [0, 1, 200, 255, 256, 257, 600, 900, 1500, 2500];

/** Draws a history: 1 to 5 tiers, 1 to 3 blobs, 1 to 4 callers. */
export function planHistory(seed: number): Plan {
  return roundDefects(drawHistory(seed));
}

/** Leaves out of a plan what would only show defects that are known. */
function roundDefects(plan: Plan): Plan {
  return isAvoided("fillTurns") ? { ...plan, fillsInFlightMax: 32 } : plan;
}

function drawHistory(seed: number): Plan {
  const random = seededRandom(seed).fork("plan");
  const kind = random.next();
  // Some mistakes need several things at once, which chance alone seldom brings together.
  if (kind < 0.12) return drawCrowd(seed, random);
  if (kind < 0.22) return drawDeletes(seed, random);
  if (kind < 0.3) return drawPuts(seed, random);
  if (kind < 0.36) return drawRanges(seed, random);
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
  const tiers = plan.tiers.slice(-2).map((tier) => ({ ...tier, holds: [0], rotten: [] }));
  const events = Array.from({ length: 3 }, () => ({
    ...planEvent(random, tiers, sizes),
    atMs: random.below(1000),
    blob: 0,
    kind: random.pick(["rot", "rot", "plant", "cut"] as const),
  }));
  return { ...plan, tiers, events };
}
