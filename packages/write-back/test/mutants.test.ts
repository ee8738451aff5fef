import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { huntAll } from "../../../test/sim/hunt.ts";
import { misfit } from "../../../test/sim/mutant.ts";
import { mutants } from "./mutants.ts";

// Each mistake is put into the sources as they are loaded, one at a time, and the crash histories have
// to find it: what they would not find, they would not have shown of the code without it.

const root = new URL("../../../", import.meta.url);
/** Histories that a mistake has to show in; most show in a few dozen. */
const seedsMax = 3000;

it("every mutant fits its file", async () => {
  const problems: string[] = [];
  for (const mutant of mutants) {
    const problem = misfit(mutant, await readFile(new URL(mutant.file, root), "utf8"));
    if (problem !== undefined) problems.push(problem);
  }
  expect(problems).toEqual([]);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

it("the crash histories find every mutant", { timeout: 600_000 }, async () => {
  const hunts = await huntAll(mutants, {
    simulation: "packages/write-back/test/simulate.ts",
    firstSeed: 1,
    seedsMax,
    processMs: 180_000,
    concurrencyMax: 2,
  });
  const survivors = hunts.filter(({ violation }) => violation === undefined);
  expect(survivors.map(({ mutant }) => mutant)).toEqual([]);
});
