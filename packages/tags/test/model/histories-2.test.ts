import { expect, it } from "vitest";
import { planHistory } from "./plan.ts";
import { runHistory } from "./run-history.ts";
import { runSeeds, seedsWanted } from "./run-seeds.ts";

// Histories of two to four writers and readers of one or two tags, in an order, weather and time that
// a seed decides, over a bucket whose answers are lost, late and doubled. Each is checked against what
// really happened to the bucket. The other half of the seeds is in the file beside.

const seeds = seedsWanted(process.env);
const half = Math.ceil(seeds / 2);

it(`${seeds - half} more histories are right`, { timeout: 3_600_000 }, async () => {
  const { entries } = await runSeeds(half, seeds);
  expect(entries).toBeGreaterThan(seeds - half);
});

it("a seed gives the same history each time, to the last step", async () => {
  for (const seed of [3, 14, 159]) {
    const runs = [];
    for (let run = 0; run < 2; run += 1) {
      const { observed, scheduler } = await runHistory(planHistory(seed), true);
      const keys = observed.effects.map(
        ({ key, bytes }) => `${key} ${Buffer.from(bytes).toString()}`,
      );
      runs.push([...keys, ...scheduler.trace.lines()].join("\n"));
    }
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]?.length).toBeGreaterThan(1000);
  }
});
