import { registerHooks } from "node:module";
import type { Plan } from "./plan.ts";
import type { Ran } from "./run-composite.ts";

/** A seed that shows a mistake. */
export interface Finding {
  readonly seed: number;
  readonly violations: readonly string[];
}

// Temporary files are the simulator's own, or real time would come in. Only what is loaded after
// this is told so, so all that reaches core is imported below.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const isFiles = specifier === "node:fs/promises";
    const isOurs = context.parentURL?.endsWith("/core/src/store/unlinked-file.ts") === true;
    if (!isFiles || !isOurs) return nextResolve(specifier, context);
    return { url: new URL("./mounted-files.ts", import.meta.url).href, shortCircuit: true };
  },
  // Memories for 100,000 entries are laid out when they are made: nine tenths of the time of a run.
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith("/core/src/composite/memories.ts")) return loaded;
    const text =
      typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source);
    const source = text.replace("entriesMax = 100_000", "entriesMax = 100");
    return { ...loaded, format: "module-typescript", source };
  },
});
const { check } = await import("./check.ts");
const { planHistory } = await import("./draw-plan.ts");
const { runComposite } = await import("./run-composite.ts");

/** Runs the history of a seed; a finding where something is wrong with it. */
export async function simulate(
  seed: number,
  count: (ran: Ran) => void = () => undefined,
): Promise<Finding | undefined> {
  const violations = await violationsOf(planHistory(seed), count);
  return violations.length === 0 ? undefined : { seed, violations };
}

/**
 * Tells only whether a seed shows a mistake: what hunts of planted bugs ask, by this name.
 *
 * @public
 */
export async function findViolation(seed: number): Promise<string | undefined> {
  return (await violationsOf(planHistory(seed)))[0];
}

async function violationsOf(
  plan: Plan,
  count: (ran: Ran) => void = () => undefined,
): Promise<readonly string[]> {
  const { stackTraceLimit } = Error;
  // Most errors of a storm are never shown, and their stacks take time.
  Error.stackTraceLimit = 0;
  try {
    const ran = await runComposite(plan);
    count(ran);
    return check(ran.observed);
  } catch (error) {
    return [
      `the simulation broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    ];
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Leaves out what the mistake does not need, and prints what is left, step by step. */
export async function explain(seed: number, smallest = true): Promise<string> {
  const least = smallest ? await shrink(planHistory(seed)) : planHistory(seed);
  const { observed, scheduler } = await runComposite(least, true);
  return [
    `seed ${seed}, ${scheduler.policy.name}, storm until ${least.stormEndMs} ms`,
    ...describePlan(least),
    ...scheduler.trace.lines(),
    ...check(observed).map((violation) => `  ! ${violation}`),
  ].join("\n");
}

function describePlan({ sizes, tiers, spool, events, ...plan }: Plan): string[] {
  const { fillQueueBytesMax, fillsInFlightMax, diskFullAt, closesEarly } = plan;
  return [
    `  blobs of ${sizes.join(", ")} bytes; ${JSON.stringify(spool)}`,
    `  ${JSON.stringify({ fillQueueBytesMax, fillsInFlightMax, diskFullAt, closesEarly })}`,
    ...tiers.map((tier) => `  ${JSON.stringify(tier)}`),
    ...events.map((event) => `  ${JSON.stringify(event)}`),
  ];
}

async function shrink(plan: Plan): Promise<Plan> {
  let least = plan;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smaller(least)) {
      if ((await violationsOf(candidate)).length === 0) continue;
      least = candidate;
      isSmaller = true;
      break;
    }
  }
  return least;
}

/**
 * Leaves out callers, operations, events, tiers and troubles, one at a time. What schedule and weather
 * draw meets other requests then, so that some histories can't be made small.
 */
function* smaller(plan: Plan): Generator<Plan, void, void> {
  for (const [index, caller] of plan.callers.entries()) {
    yield { ...plan, callers: plan.callers.toSpliced(index, 1) };
    for (let at = caller.operations.length - 1; at >= 0; at -= 1) {
      const operations = caller.operations.toSpliced(at, 1);
      yield { ...plan, callers: plan.callers.with(index, { ...caller, operations }) };
    }
  }
  for (const index of plan.events.keys()) {
    yield { ...plan, events: plan.events.toSpliced(index, 1) };
  }
  for (const [index, tier] of plan.tiers.entries()) {
    if (plan.tiers.length > 1 && plan.events.length === 0) {
      yield { ...plan, tiers: plan.tiers.toSpliced(index, 1) };
    }
    const { storm } = tier.climate;
    for (const trouble of Object.keys(storm)) {
      const left = Object.fromEntries(Object.entries(storm).filter(([name]) => name !== trouble));
      const climate = { ...tier.climate, storm: left };
      yield { ...plan, tiers: plan.tiers.with(index, { ...tier, climate }) };
    }
  }
}
