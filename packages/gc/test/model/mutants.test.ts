import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type Hunt, hunt } from "../../../../test/sim/hunt.ts";
import { misfit } from "../../../../test/sim/mutant.ts";
import { forgiven, type Mistake, mistakes } from "./mutants.ts";

// The histories are worth what they find. Mistakes are planted into the sources as they are loaded,
// each in a process of its own, and the histories must show every one.

const root = new URL("../../../../", import.meta.url);
/** Seeds in which a mistake has to show: most do within ten, and the rarest twice. */
const seedsMax = 1500;
/** Seeds in which none may show that is forgiven. */
const forgivenSeeds = 300;
const processMs = 180_000;

function huntIn({ mutants, isLax, firstSeed }: Mistake, seeds: number): Promise<Hunt> {
  const simulation = `packages/gc/test/model/${isLax ? "find-loss" : "find-violation"}.ts`;
  return hunt(mutants, { simulation, firstSeed, seedsMax: seeds, processMs });
}

test("every mutant fits its file", async () => {
  const problems: string[] = [];
  for (const mutant of [...mistakes, ...forgiven].flatMap(({ mutants }) => mutants)) {
    const problem = misfit(mutant, await readFile(new URL(mutant.file, root), "utf8"));
    if (problem !== undefined) problems.push(problem);
  }
  expect(problems).toEqual([]);
  expect(new Set(mistakes.map(({ name }) => name)).size).toBe(mistakes.length);
  expect(mistakes.length).toBeGreaterThanOrEqual(18);
});

describe("the histories", () => {
  test.each(mistakes)(
    "find a collector or store that $name",
    async (mistake) => {
      const { violation, tried } = await huntIn(mistake, seedsMax);
      expect(violation).toBeDefined();
      // None of them runs in circles: a process that was ended has shown nothing but a slow machine.
      expect(tried).toBeGreaterThan(0);
    },
    processMs + 10_000,
  );

  // The second look and the renewal spare work and come first; what is left to chance without them is
  // made up for by the trash. So each of the two lines of defence holds alone.
  test.each(forgiven)(
    "show that the trash makes up for one that $name",
    async (mistake) => {
      const { violation, tried } = await huntIn(mistake, forgivenSeeds);
      expect({ violation, tried }).toEqual({ violation: undefined, tried: forgivenSeeds });
    },
    processMs + 10_000,
  );
});
