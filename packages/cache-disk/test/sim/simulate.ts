import { registerHooks } from "node:module";
import type { Plan } from "./plan.ts";
import type { Ran } from "./run-cache.ts";

// The cache's own calls of files and of SQLite go to the simulated machine. Only what is loaded after
// this is told so, so all that reaches the cache is imported below.
const standIns: Readonly<Record<string, string>> = {
  "node:fs": "./mounted-fs.ts",
  "node:fs/promises": "./mounted-fs-promises.ts",
  "node:sqlite": "./mounted-sqlite.ts",
};
registerHooks({
  resolve(specifier, context, nextResolve) {
    const standIn = standIns[specifier];
    const isOurs = context.parentURL?.includes("/cache-disk/src/") === true;
    if (standIn === undefined || !isOurs) return nextResolve(specifier, context);
    return { url: new URL(standIn, import.meta.url).href, shortCircuit: true };
  },
  // Memories for 100,000 entries are laid out when they are made, which takes longer than a run.
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith("/core/src/composite/memories.ts")) return loaded;
    const text =
      typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source);
    const source = text.replace("entriesMax = 100_000", "entriesMax = 100");
    return { ...loaded, format: "module-typescript", source };
  },
});
const { planHistory } = await import("./plan.ts");
const { runCache } = await import("./run-cache.ts");

/** A seed that shows a mistake. */
export interface Finding {
  readonly seed: number;
  readonly violations: readonly string[];
}

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
  try {
    const ran = await runCache(plan);
    count(ran);
    return ran.violations;
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [`the simulation broke: ${text}`];
  }
}

/** Leaves out what the mistake does not need, and prints what is left, step by step. */
export async function explain(seed: number, smallest = true): Promise<string> {
  const least = smallest ? await shrink(planHistory(seed)) : planHistory(seed);
  const { violations, scheduler } = await runCache(least, true);
  const { generations, ...rest } = least;
  return [
    `seed ${seed}, ${scheduler.policy.name}: ${JSON.stringify(rest)}`,
    ...generations.map((generation) => `  ${JSON.stringify(generation)}`),
    ...scheduler.trace.lines(),
    ...violations.map((violation) => `  ! ${violation}`),
  ].join("\n");
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

/** Leaves out generations, processes, callers, operations and troubles, one at a time. */
function* smaller(plan: Plan): Generator<Plan, void, void> {
  const { generations, weather } = plan;
  if (weather.stormEndMs > 0) yield { ...plan, weather: { ...weather, stormEndMs: 0 } };
  for (const trouble of ["full", "broken", "handles", "busy", "short"] as const) {
    if (weather[trouble] > 0) yield { ...plan, weather: { ...weather, [trouble]: 0 } };
  }
  for (const [at, generation] of generations.entries()) {
    if (generations.length > 1) yield { ...plan, generations: generations.toSpliced(at, 1) };
    const put = (changed: Partial<typeof generation>): Plan => ({
      ...plan,
      generations: generations.with(at, { ...generation, ...changed }),
    });
    if (generation.after !== "nothing") yield put({ after: "nothing" });
    const { processes } = generation;
    for (const [index, process] of processes.entries()) {
      if (processes.length > 1) yield put({ processes: processes.toSpliced(index, 1) });
      const { death, callers } = process;
      if (death !== undefined) {
        yield put({ processes: processes.with(index, { ...process, death: undefined }) });
      }
      for (const [lane, caller] of callers.entries()) {
        const set = (changed: readonly (typeof caller)[]): Plan =>
          put({ processes: processes.with(index, { ...process, callers: changed }) });
        if (callers.length > 1) yield set(callers.toSpliced(lane, 1));
        for (let number = caller.operations.length - 1; number >= 0; number -= 1) {
          const operations = caller.operations.toSpliced(number, 1);
          yield set(callers.with(lane, { ...caller, operations }));
        }
      }
    }
  }
}
