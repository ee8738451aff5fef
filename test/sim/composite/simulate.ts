import { registerHooks } from "node:module";
import type { Plan } from "./plan.ts";
import type { Violation } from "./rules.ts";
import type { Ran } from "./run-composite.ts";

// Temporary files are the simulator's own, or real time would come in. Only what is loaded after
// this is told so, so all that reaches core is imported below.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const isFiles = specifier === "node:fs/promises";
    const isOurs = context.parentURL?.endsWith("/core/src/store/unlinked-file.ts") === true;
    if (!isFiles || !isOurs) return nextResolve(specifier, context);
    return { url: new URL("./mounted-files.ts", import.meta.url).href, shortCircuit: true };
  },
});
const { check } = await import("./check.ts");
const { under } = await import("./rules.ts");
const { describePlan, shrink } = await import("./shrink.ts");
const { faultsMet } = await import("./faults-met.ts");
const { planHistory } = await import("./draw-plan.ts");
const { runComposite } = await import("./run-composite.ts");

const met = faultsMet();

/** A rule that hunts don't look at, to see whether any other finds the same mistakes. */
const without = process.env["BITSTORE_SIM_WITHOUT"];

/**
 * Tells only whether a seed shows a mistake: what hunts of planted bugs ask, by this name.
 *
 * @public
 */
export async function findViolation(seed: number): Promise<string | undefined> {
  const violations = await violationsOf(planHistory(seed), ({ observed }) => met.add(observed));
  const found = violations.find(({ rule }) => rule !== without);
  return found === undefined ? undefined : textOf(found);
}

/** Says how often each kind of fault was met so far. */
export function coverage(): string {
  const { missing } = met;
  const never = missing.length === 0 ? "" : `; never met: ${missing.join(", ")}`;
  return `faults met: ${met.line()}${never}`;
}

function textOf({ rule, text }: Violation): string {
  return `[${rule}] ${text}`;
}

async function violationsOf(
  plan: Plan,
  count: (ran: Ran) => void = () => undefined,
): Promise<readonly Violation[]> {
  const { stackTraceLimit } = Error;
  // Most errors of a storm are never shown, and their stacks take time.
  Error.stackTraceLimit = 0;
  try {
    const ran = await runComposite(plan);
    count(ran);
    return check(ran.observed);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return under("sense", [`the simulation broke: ${text}`]);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Tells a history step by step: the smallest that breaks the same rule as its seed does, or all of it.
 */
export async function explain(seed: number, smallest = true): Promise<string> {
  const whole = planHistory(seed);
  const rule = smallest ? (await violationsOf(whole))[0]?.rule : undefined;
  const isWrong = async (plan: Plan): Promise<boolean> =>
    (await violationsOf(plan)).some((violation) => violation.rule === rule);
  const least = rule === undefined ? whole : await shrink(whole, isWrong);
  const { observed, scheduler } = await runComposite(least, true);
  return [
    `schedule: ${scheduler.policy.name}`,
    ...describePlan(least),
    ...scheduler.trace.lines(),
    ...check(observed).map((violation) => `  ! ${textOf(violation)}`),
  ].join("\n");
}
