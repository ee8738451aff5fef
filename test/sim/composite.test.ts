import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { mutants, pairs } from "./composite/mutants.ts";
import { huntAll } from "./hunt.ts";
import { misfit } from "./mutant.ts";

// The real composite, with its layers, caches, fills and spools, over tiers that are late, lie, break off
// and rot, read at all paces by readers who leave: each history is drawn by a seed, played in virtual time
// and held against what every blob is and what every tier had. It runs in a process of its own, since
// the simulator puts its own disk where core makes temporary files.

const root = new URL("../../", import.meta.url);
const seeds = 2000;

it(`${seeds} histories of the composite are right`, { timeout: 600_000 }, async () => {
  const script = fileURLToPath(new URL("run.ts", import.meta.url));
  const flags = ["--conditions=@bitstore/source", "--no-warnings"];
  const child = spawn(
    process.execPath,
    [...flags, script, "--only", "composite", "--seeds", String(seeds)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  const [code]: unknown[] = await once(child, "close");
  const summary = output.trimEnd().split("\n").at(-1);
  expect(code, output).toBe(0);
  expect(summary).toMatch(`composite: ${seeds} seeds`);
  console.log(summary);
});

it("every mutant fits its file", async () => {
  const all = [...mutants, ...pairs.flat()];
  const problems: string[] = [];
  for (const mutant of all) {
    const problem = misfit(mutant, await readFile(new URL(mutant.file, root), "utf8"));
    if (problem !== undefined) problems.push(problem);
  }
  expect(problems).toEqual([]);
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
});

// The histories are worth what they find. These are mistakes that show soon, one of each kind; `npm run
// sim -- --mutants` hunts all.
const sample = [
  "an error is a miss",
  "one miss is enough",
  "a dead source stops the search",
  "no wait ends",
  "the end is clean whatever came",
  "a range is verified",
  "what exists is right",
  "deletions are not counted",
  "puts go to the first tier",
  "flights are not shared",
  "a spool that nobody reads is kept",
  "all tiers may be written",
];

it("the histories find a sample of planted mistakes", { timeout: 600_000 }, async () => {
  const chosen = mutants.filter(({ name }) => sample.includes(name));
  expect(chosen.length).toBe(sample.length);
  const hunts = await huntAll(chosen, {
    simulation: "test/sim/composite/simulate.ts",
    firstSeed: 0,
    seedsMax: 2000,
    processMs: 120_000,
    concurrencyMax: 2,
  });
  const survivors = hunts.filter(({ violation }) => violation === undefined);
  expect(survivors.map(({ mutant }) => mutant)).toEqual([]);
});
