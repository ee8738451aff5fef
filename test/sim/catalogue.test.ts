import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { failuresOf, misfit } from "./mutant.ts";
import { simulators } from "./simulators.ts";

// Every planted bug still fits the line that it changes, says whose failure or which rule of ours it
// repeats, and has a name of its own in its simulator, by which a table and the documents name it.

const root = new URL("../../", import.meta.url);

it.each(simulators)(
  "every planted bug of $name fits, and says what it plants",
  async (simulator) => {
    const problems: string[] = [];
    for (const mutant of simulator.mistakes.flatMap(({ mutants }) => mutants)) {
      const problem = misfit(mutant, await readFile(new URL(mutant.file, root), "utf8"));
      if (problem !== undefined) problems.push(problem);
      if (failuresOf(mutant).length === 0) problems.push(`${mutant.name} names no failure or rule`);
    }
    expect(problems).toEqual([]);
    const names = simulator.mistakes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  },
);

it("there are more than fifty, and most failures of others are among them", () => {
  const all = simulators.flatMap(({ mistakes }) => mistakes);
  expect(all.length).toBeGreaterThan(50);
  const planted = new Set(all.flatMap(({ mutants }) => mutants.flatMap(failuresOf)));
  expect([...planted].filter((each) => each.startsWith("F")).length).toBeGreaterThanOrEqual(28);
});
