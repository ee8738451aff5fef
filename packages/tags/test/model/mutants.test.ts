import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { huntAll } from "../../../../test/sim/hunt.ts";
import { misfit } from "../../../../test/sim/mutant.ts";
import { mutants, tagFirstSeeds } from "./mutants.ts";

// The histories are worth what they find. Mistakes are planted into the log's sources as they are
// loaded, one at a time, each in a process of its own, and the histories must show every one.

const root = new URL("../../../../", import.meta.url);
/**
 * Seeds within which each must be found. The rarest are looked for where they were found before, lest
 * each run of all tests take minutes more; `npm run sim -- --mutants` looks from the first seed on.
 */
const seedsMax = 10_000;

const names = new Set(mutants.map(({ name }) => name));

it("every mutant fits its file", async () => {
  const problems: string[] = [];
  for (const mutant of mutants) {
    const problem = misfit(mutant, await readFile(new URL(mutant.file, root), "utf8"));
    if (problem !== undefined) problems.push(problem);
  }
  expect(problems).toEqual([]);
  expect(names.size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(30);
});

it("the histories find every mutant", { timeout: 600_000 }, async () => {
  expect(Object.keys(tagFirstSeeds).filter((name) => !names.has(name))).toEqual([]);
  const hunts = await huntAll(mutants, {
    simulation: "packages/tags/test/model/simulate.ts",
    firstSeed: ({ name }) => tagFirstSeeds[name] ?? 0,
    seedsMax,
    processMs: 180_000,
    concurrencyMax: 2,
  });
  const survivors = hunts.filter(({ violation }) => violation === undefined);
  expect(survivors.map(({ mutant }) => mutant)).toEqual([]);
  const most = Math.max(...hunts.map(({ tried }) => tried));
  console.log(`${hunts.length} mutants found, each within ${most} seeds`);
});
