import { hunt, type Hunt } from "./hunt.ts";
import { failuresOf, type Mistake } from "./mutant.ts";
import type { Simulator } from "./simulators.ts";

export interface HuntRunOptions {
  readonly firstSeed: number;
  /** Seeds in which each mistake has to show. */
  readonly seedsMax: number;
}

/** A mistake that takes longer runs in circles. */
const processMs = 1_200_000;
/** Processes at a time. */
const concurrencyMax = 2;

/**
 * Hunts all mistakes of some simulators and prints a table as it goes: what each plants and the seed
 * that found it. Resolves to whether all were found.
 */
export async function runHunts(
  simulators: readonly Simulator[],
  { firstSeed, seedsMax }: HuntRunOptions,
): Promise<boolean> {
  const left = simulators.flatMap((simulator) =>
    simulator.mistakes.map((mistake) => ({ simulator, mistake })),
  );
  const found = new Map<string, number>();
  const planted = new Map<string, number>();
  const missed: string[] = [];
  let latest: Hunt | undefined;
  console.log(row("simulator", "plants", "found at", "mutant: what it shows"));
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { simulator, mistake } = next;
      const simulation = mistake.simulation ?? simulator.module;
      const done = await hunt(mistake.mutants, { simulation, firstSeed, seedsMax, processMs });
      const { seed, violation } = done;
      const plants = plantedBy(mistake);
      for (const each of plants) planted.set(each, (planted.get(each) ?? 0) + 1);
      if (seed === undefined) missed.push(mistake.name);
      else found.set(simulator.name, (found.get(simulator.name) ?? 0) + 1);
      if ((seed ?? 0) > (latest?.seed ?? -1)) latest = { ...done, mutant: mistake.name };
      const what = (violation?.split("\n")[0] ?? "").slice(0, 90);
      const at = seed === undefined ? "NOT FOUND" : `seed ${seed}`;
      console.log(row(simulator.name, plants.join(", "), at, `${mistake.name}: ${what}`));
    }
  };
  await Promise.all(Array.from({ length: concurrencyMax }, worker));
  for (const { name, mistakes } of simulators) {
    console.log(`${name}: ${found.get(name) ?? 0} of ${mistakes.length} mutants found`);
  }
  console.log(`the latest: ${latest?.mutant ?? "none"}, by seed ${latest?.seed ?? 0}`);
  const byNumber = [...planted].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
  console.log(byNumber.map(([failure, count]) => `${failure}: ${count}`).join(", "));
  if (missed.length > 0) console.log(`NOT FOUND: ${missed.join("; ")}`);
  return missed.length === 0;
}

/** Tells what a mistake plants, each failure once. */
export function plantedBy({ mutants }: Mistake): readonly string[] {
  return [...new Set(mutants.flatMap(failuresOf))];
}

function row(simulator: string, plants: string, at: string, mutant: string): string {
  return [simulator.padEnd(10), plants.padEnd(10), at.padEnd(10), mutant].join(" ");
}
