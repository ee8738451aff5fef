import type { Climate } from "@bitstore/conformance";
import type { Pace, Plan, PlannedCaller, PlannedOperation, PlannedTier } from "./plan.ts";

/** What stands for nothing in particular: a plan is told by what differs from that. */
const plainPlan: Partial<Plan> = {
  events: [],
  spool: { memoryBytesMax: 4000, spoolBytesMax: 10_000, spoolsBytesMax: 1e6 },
  fillQueueBytesMax: 1e6,
  fillsInFlightMax: 32,
  windowBytesMax: 4000,
  memoryEntriesMax: 100,
  diskFullAt: undefined,
  pieceBytesMax: 1e6,
  closesEarly: false,
};
const plainTier: Partial<PlannedTier> = {
  readOnly: undefined,
  heal: undefined,
  onFailure: "next",
  forbiddenMeans: "denied",
  negativeTtlMs: 0,
  limitedTo: 64,
  breakerMin: 20,
  hedges: false,
  bytesMax: 20_000,
  cuts: false,
  rotten: [],
};
const plainClimate: Partial<Climate> = {
  latencyMs: 1,
  tailChance: 0,
  chunkBytes: 300,
  chunkMs: 0,
  storm: {},
  lasting: undefined,
  isSizeless: false,
};
const plainPace: Pace = {
  takes: "stream",
  pauseMs: 0,
  leavesAfter: undefined,
  vanishes: false,
  disposes: true,
};

/** Leaves out of a plan, one after the other, what it does not need to be still wrong. */
export async function shrink(plan: Plan, isWrong: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  let least = plan;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smaller(least)) {
      if (!(await isWrong(candidate))) continue;
      least = candidate;
      isSmaller = true;
      break;
    }
  }
  return least;
}

/**
 * Leaves out callers, operations, events, tiers, troubles and peculiarities, one at a time. What
 * schedule and weather draw meets other requests then, so that some histories can't be made small.
 */
function* smaller(plan: Plan): Generator<Plan, void, void> {
  for (const index of plan.callers.keys()) {
    yield { ...plan, callers: plan.callers.toSpliced(index, 1) };
  }
  for (const index of plan.tiers.keys()) {
    if (plan.tiers.length > 1) yield withoutTier(plan, index);
  }
  for (const index of plan.events.keys()) {
    yield { ...plan, events: plan.events.toSpliced(index, 1) };
  }
  for (const [index, caller] of plan.callers.entries()) {
    for (const operations of fewer(caller)) {
      yield { ...plan, callers: plan.callers.with(index, { ...caller, operations }) };
    }
  }
  for (const [index, tier] of plan.tiers.entries()) {
    for (const plainer of plainerTiers(tier)) {
      yield { ...plan, tiers: plan.tiers.with(index, plainer) };
    }
  }
  for (const change of changes(plan, plainPlan)) yield { ...plan, ...change };
}

function withoutTier(plan: Plan, index: number): Plan {
  const events = plan.events.flatMap((event) => {
    if (event.tier === index) return [];
    return [{ ...event, tier: event.tier > index ? event.tier - 1 : event.tier }];
  });
  return { ...plan, tiers: plan.tiers.toSpliced(index, 1), events };
}

function* fewer({ operations }: PlannedCaller): Generator<PlannedOperation[], void, void> {
  for (let at = operations.length - 1; at >= 0; at -= 1) yield operations.toSpliced(at, 1);
  for (const [at, operation] of operations.entries()) {
    const { abortAfterMs, ...patient } = operation;
    if (abortAfterMs !== undefined) yield operations.with(at, patient);
    if (!("pace" in operation)) continue;
    for (const change of changes(operation.pace, plainPace)) {
      yield operations.with(at, { ...operation, pace: { ...operation.pace, ...change } });
    }
  }
}

function* plainerTiers(tier: PlannedTier): Generator<PlannedTier, void, void> {
  const { climate } = tier;
  for (const trouble of Object.keys(climate.storm)) {
    const left = Object.entries(climate.storm).filter(([name]) => name !== trouble);
    yield { ...tier, climate: { ...climate, storm: Object.fromEntries(left) } };
  }
  for (const blob of tier.holds) {
    yield { ...tier, holds: tier.holds.filter((each) => each !== blob) };
  }
  for (const change of changes(tier, plainTier)) yield { ...tier, ...change };
  for (const change of changes(climate, plainClimate)) {
    yield { ...tier, climate: { ...climate, ...change } };
  }
}

/** What differs from what is plain, each alone, as it would be plain. */
function* changes<T extends object>(some: T, plain: Partial<T>): Generator<Partial<T>, void, void> {
  for (const [name, value] of Object.entries(some)) {
    if (!(name in plain) || isSame(value, Reflect.get(plain, name))) continue;
    const change = { ...plain };
    for (const other of Object.keys(plain)) {
      if (other !== name) Reflect.deleteProperty(change, other);
    }
    yield change;
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Tells a plan in a few lines: what is in no way peculiar is left out. */
export function describePlan(plan: Plan): readonly string[] {
  const { tiers, events, callers, sizes, seed, stormEndMs, verifyFirstBytesMax, ...limits } = plan;
  return [
    `  seed ${seed}: blobs of ${sizes.join(", ")} bytes, up to ${verifyFirstBytesMax} verified first, storm until ${stormEndMs} ms`,
    `  ${peculiar(limits, plainPlan)}`,
    ...tiers.map((tier) => {
      const { name, kind, role, origin, holds, climate, ...rest } = tier;
      const { stormEndMs: _, ...weather } = climate;
      const isOrigin = origin ? ", origin" : "";
      const what = `${name} (${kind}, ${role}${isOrigin}) holds [${holds.join()}]`;
      return `  ${what} ${peculiar(rest, plainTier)} ${peculiar(weather, plainClimate)}`;
    }),
    ...events.map(({ atMs, tier, blob, kind }) => {
      return `  at ${atMs} ms: ${kind} blob ${blob} in ${tiers[tier]?.name}`;
    }),
    ...callers.map(({ lane, operations }) => {
      return `  ${lane}: ${operations.map((operation) => describeOperation(operation)).join("; ")}`;
    }),
  ];
}

function describeOperation({ kind, ...rest }: PlannedOperation): string {
  if (!("pace" in rest)) return `${kind} ${JSON.stringify(rest)}`;
  const { pace, ...others } = rest;
  return `${kind} ${JSON.stringify(others)} ${peculiar(pace, plainPace)}`;
}

function peculiar(some: object, plain: object): string {
  const told = Object.entries(some).filter(
    ([name, value]) => !(name in plain && isSame(value, Reflect.get(plain, name))),
  );
  return told.length === 0 ? "" : JSON.stringify(Object.fromEntries(told));
}
