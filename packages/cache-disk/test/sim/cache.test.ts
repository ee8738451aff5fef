import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { huntAll } from "../../../../test/sim/hunt.ts";
import { mistakes } from "./mutants.ts";

// The real cache, its SQLite index included, over a machine whose disk fails, fills and loses power and
// whose processes die at any call, several on one directory: each history is drawn by a seed, played in
// virtual time, and held against what was put, read and deleted and what the folder has. It runs in a
// process of its own, since the machine stands in the place of Node's own modules.

const seeds = 250;

it(`a disk that fills, fails and loses power, and processes that die`, {
  timeout: 600_000,
}, async () => {
  const script = fileURLToPath(new URL("../../../../test/sim/run.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [
      "--conditions=@bitstore/source",
      "--no-warnings",
      script,
      "--only",
      "cache",
      "--seeds",
      `${seeds}`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  const [code]: unknown[] = await once(child, "close");
  expect(code, output).toBe(0);
  const summary = output.trimEnd().split("\n").at(-1);
  expect(summary).toMatch(`cache: ${seeds} seeds`);
  console.log(summary);
});

// The histories are worth what they find. These are mistakes that show soon; `npm run sim -- --mutants`
// hunts all.
const sample = [
  "an I/O error is a miss",
  "a body is not held against its digest",
  "a file that was read whole stays open",
  "a want is not counted",
  "a put leaves its temporary file",
  "a rebuild adopts nothing",
];

it("the histories find a sample of planted mistakes", { timeout: 600_000 }, async () => {
  const chosen = mistakes
    .flatMap(({ mutants }) => mutants)
    .filter(({ name }) => sample.includes(name));
  expect(chosen.length).toBe(sample.length);
  const hunts = await huntAll(chosen, {
    simulation: "packages/cache-disk/test/sim/simulate.ts",
    firstSeed: 0,
    seedsMax: 400,
    processMs: 240_000,
    concurrencyMax: 2,
  });
  const survivors = hunts.filter(({ violation }) => violation === undefined);
  expect(survivors.map(({ mutant }) => mutant)).toEqual([]);
});
