import { expect, it } from "vitest";
import { runSeeds, seedsWanted } from "./run-seeds.ts";

// Histories of two to four writers and readers of one or two tags, in an order, weather and time that
// a seed decides, over a bucket whose answers are lost, late and doubled. Each is checked against what
// really happened to the bucket. The other half of the seeds is in the file beside.

const seeds = seedsWanted(process.env);
const half = Math.ceil(seeds / 2);

it(`${half} histories are right`, { timeout: 3_600_000 }, async () => {
  const { answers, requests, steps, entries } = await runSeeds(0, half);
  console.log(`${half} histories: ${entries} entries, ${requests} requests, ${steps} steps`);
  // Of every kind of answer some were met, or the weather is too fair to show anything.
  const isMany = half >= 2000;
  for (const answer of isMany ? wanted : []) expect(answers.get(answer), answer).toBeGreaterThan(5);
});

const wanted = [
  "append",
  "annotate",
  "remove",
  "rollback",
  "head",
  "get",
  "asOf",
  "history",
  "list",
  "verify",
  "watch",
  "append PRECONDITION_FAILED",
  "append INDETERMINATE",
  "append ABORTED",
  "append UNAVAILABLE",
  "remove NOT_FOUND",
  "rollback NOT_FOUND",
  "rollback INVALID_ARGUMENT",
  "head UNAVAILABLE",
  "head ABORTED",
  "list ABORTED",
];
