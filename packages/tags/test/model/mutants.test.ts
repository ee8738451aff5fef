import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { huntAll } from "../../../../test/sim/hunt.ts";
import { misfit } from "../../../../test/sim/mutant.ts";
import { mutants } from "./mutants.ts";

// The histories are worth what they find. Mistakes are planted into the log's sources as they are
// loaded, one at a time, each in a process of its own, and the histories must show every one.

const root = new URL("../../../../", import.meta.url);
/** Seeds within which each must be found; most need some hundred, the rarest some thousand. */
const seedsMax = 10_000;

it("every mutant fits its file", async () => {
  const problems: string[] = [];
  for (const mutant of mutants) {
    const problem = misfit(mutant, await readFile(new URL(mutant.file, root), "utf8"));
    if (problem !== undefined) problems.push(problem);
  }
  expect(problems).toEqual([]);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(30);
});

it("the histories find every mutant", { timeout: 600_000 }, async () => {
  const hunts = await huntAll(mutants, {
    simulation: "packages/tags/test/model/simulate.ts",
    firstSeed: 0,
    seedsMax,
    processMs: 180_000,
    concurrencyMax: 2,
  });
  const survivors = hunts.filter(({ violation }) => violation === undefined);
  expect(survivors.map(({ mutant }) => mutant)).toEqual([]);
  const most = Math.max(...hunts.map(({ tried }) => tried));
  console.log(`${hunts.length} mutants found, each within ${most} seeds`);
});
