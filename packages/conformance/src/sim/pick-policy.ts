import type { Random } from "./random.ts";

/** Something that can go on: its lane, and what it is about to do. */
export interface Runnable {
  /** Who goes on: a writer, the network of one writer. What has one lane has one priority. */
  readonly lane: string;
  readonly label: string;
}

/** Chooses which of several goes on, by its index. */
export interface PickPolicy {
  readonly name: string;
  /** Nobody starves, and time never leaps past what could go on: then nothing may be late. */
  readonly isSteady: boolean;
  pick(runnable: readonly Runnable[], step: number): number;
  /** Whether time leaps to the next timer although something could go on: a process that sleeps. */
  leaps(): boolean;
}

/** Steps after which a policy that is unfair turns fair, so that whatever ends, ends. */
export const unfairStepsMax = 2000;

/** Picks each with the same chance. */
export function uniformPolicy(random: Random, leapChance = 0.01): PickPolicy {
  return {
    name: leapChance === 0 ? "steady" : "uniform",
    isSteady: leapChance === 0,
    pick: (runnable) => random.below(runnable.length),
    leaps: () => random.chance(leapChance),
  };
}

/**
 * Gives each lane a priority and always runs the highest, which falls to the lowest at a few steps
 * chosen beforehand (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of
 * Finding Bugs", 2010). It runs one far ahead and starves another, as chance alone hardly ever does:
 * a mistake that needs `changes` + 1 steps in one order shows with a probability that has a bound.
 */
export function priorityPolicy(random: Random, changes: number, horizon: number): PickPolicy {
  const priorities = new Map<string, number>();
  const changeAt = new Set<number>();
  for (let change = 0; change < changes; change += 1) changeAt.add(random.below(horizon));
  let lowest = 0;
  const priorityOf = (lane: string): number => {
    const known = priorities.get(lane);
    if (known !== undefined) return known;
    const drawn = random.next();
    priorities.set(lane, drawn);
    return drawn;
  };
  const highest = (runnable: readonly Runnable[]): string => {
    let best = "";
    let priority = Number.NEGATIVE_INFINITY;
    for (const { lane } of runnable) {
      const own = priorityOf(lane);
      if (own > priority) [best, priority] = [lane, own];
    }
    return best;
  };
  const fair = uniformPolicy(random);
  return {
    name: `priorities with ${changes} changes`,
    isSteady: false,
    pick(runnable, step) {
      if (step > unfairStepsMax) return fair.pick(runnable, step);
      if (changeAt.has(step)) {
        lowest -= 1;
        priorities.set(highest(runnable), lowest);
      }
      return pickOfLane(random, runnable, highest(runnable));
    },
    leaps: () => random.chance(0.002),
  };
}

/** Lets one lane go on only where nothing else can, even if time has to leap for that. */
export function starvePolicy(random: Random, steps: number): PickPolicy {
  const fair = uniformPolicy(random);
  let starved: string | undefined;
  let isAlone = false;
  return {
    name: `one lane starves for ${steps} steps`,
    isSteady: false,
    pick(runnable, step) {
      isAlone = false;
      if (step > steps) return fair.pick(runnable, step);
      starved ??= random.chance(0.3) ? random.pick(runnable).lane : undefined;
      const others = runnable.flatMap(({ lane }, index) => (lane === starved ? [] : [index]));
      isAlone = starved !== undefined && others.length <= 1;
      return others.length === 0 ? fair.pick(runnable, step) : random.pick(others);
    },
    leaps: () => isAlone && random.chance(0.3),
  };
}

/** Draws a policy: near half the seeds are uniform, the others run one ahead or starve one. */
export function seededPolicy(random: Random, horizon = 300): PickPolicy {
  const kind = random.next();
  if (kind < 0.25) return uniformPolicy(random, 0);
  if (kind < 0.45) return uniformPolicy(random);
  if (kind < 0.85) return priorityPolicy(random, random.below(5), horizon);
  return starvePolicy(random, 50 + random.below(horizon));
}

function pickOfLane(random: Random, runnable: readonly Runnable[], lane: string): number {
  let count = 0;
  let picked = 0;
  for (let index = 0; index < runnable.length; index += 1) {
    if (runnable[index]?.lane !== lane) continue;
    count += 1;
    // The k-th of a lane takes the place of the one before with a chance of 1 in k.
    if (random.below(count) === 0) picked = index;
  }
  return picked;
}
