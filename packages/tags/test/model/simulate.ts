import { check } from "./check.ts";
import { type Plan, planHistory } from "./plan.ts";
import { type Ran, runHistory } from "./run-history.ts";

/** A seed that shows a mistake. */
export interface Finding {
  readonly seed: number;
  readonly violations: readonly string[];
  /** The smallest history that was found to show one, with its trace. */
  readonly report: string;
}

/** Runs the history of a seed; a finding where something is wrong with it. */
export async function simulate(
  seed: number,
  count: (ran: Ran) => void = () => undefined,
): Promise<Finding | undefined> {
  const plan = planHistory(seed);
  const violations = await violationsOf(plan, count);
  if (violations.length === 0) return undefined;
  return { seed, violations, report: await explainPlan(await shrink(plan)) };
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
  let ran: Ran;
  try {
    ran = await runHistory(plan);
  } catch (error) {
    return [`the simulation broke: ${String(error)}`];
  }
  count(ran);
  return check(ran.observed);
}

/** Leaves out what the mistake does not need, and prints what is left. */
export async function explain(seed: number, smallest = true): Promise<string> {
  const plan = planHistory(seed);
  return await explainPlan(smallest ? await shrink(plan) : plan);
}

async function explainPlan(plan: Plan): Promise<string> {
  const { observed, scheduler } = await runHistory(plan, true);
  return [
    `seed ${plan.seed}, ${scheduler.policy.name}, storm until ${plan.stormEndMs} ms: ` +
      JSON.stringify(plan.storm),
    ...scheduler.trace.lines(),
    ...check(observed).map((violation) => `  ! ${violation}`),
  ].join("\n");
}

/**
 * Leaves out one operation after the other, as long as something stays wrong. What the schedule and
 * the weather draw does not depend on the plan, but meets other requests then, so that some histories
 * can't be made small.
 */
async function shrink(plan: Plan): Promise<Plan> {
  let least = plan;
  for (;;) {
    const next = await firstWrong(smaller(least));
    if (next === undefined) return least;
    least = next;
  }
}

async function firstWrong(candidates: Iterable<Plan>): Promise<Plan | undefined> {
  for (const candidate of candidates) {
    if ((await violationsOf(candidate)).length > 0) return candidate;
  }
  return undefined;
}

function* smaller(plan: Plan): Generator<Plan, void, void> {
  for (const [index, caller] of plan.callers.entries()) {
    if (plan.callers.length > 1) yield { ...plan, callers: plan.callers.toSpliced(index, 1) };
    for (let at = caller.operations.length - 1; at >= 0; at -= 1) {
      const operations = caller.operations.toSpliced(at, 1);
      yield { ...plan, callers: plan.callers.with(index, { ...caller, operations }) };
    }
  }
  if (plan.watches.length > 0) yield { ...plan, watches: [] };
}
