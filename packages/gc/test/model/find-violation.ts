import { simulate } from "./simulate.ts";

/**
 * Tells whether a seed shows a mistake: what hunts of planted mistakes ask, by this name.
 *
 * @public
 */
export async function findViolation(seed: number): Promise<string | undefined> {
  return (await simulate(seed)).violations[0];
}

/**
 * Leaves out users that the mistake does not need, and prints what is left, step by step. Without them
 * the rest draws otherwise, so that some histories can't be made small.
 *
 * @public
 */
export async function explain(seed: number, smallest = true): Promise<string> {
  let without: ReadonlySet<string> = new Set();
  let isSmaller = smallest;
  while (isSmaller) {
    isSmaller = false;
    for (const lane of (await simulate(seed, { without })).lanes) {
      const fewer = new Set([...without, lane]);
      if ((await simulate(seed, { without: fewer })).violations.length === 0) continue;
      without = fewer;
      isSmaller = true;
      break;
    }
  }
  const { trace, violations } = await simulate(seed, { without, isTraced: true });
  const out = [...without].join(", ") || "nobody";
  return [
    `seed ${seed}, without ${out}`,
    ...trace,
    ...violations.map((each) => `  ! ${each}`),
  ].join("\n");
}
