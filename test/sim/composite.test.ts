import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it, vi } from "vitest";
import { mutants } from "./composite/mutants.ts";
import type { Rule } from "./composite/rules.ts";
import { hunt, huntAll } from "./hunt.ts";

// The real composite, with its layers, caches, fills and spools, over tiers that are late, lie, break off
// and rot, read at all paces by readers who leave: each history is drawn by a seed, played in virtual time
// and held against what every blob is and what every tier had. It runs in a process of its own, since
// the simulator puts its own disk where core makes temporary files.

const seeds = 2000;
const simulation = "test/sim/composite/simulate.ts";

it(`${seeds} histories of the composite are right, and meet all faults`, {
  timeout: 600_000,
}, async () => {
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
  const lines = output.trimEnd().split("\n");
  expect(code, output).toBe(0);
  expect(lines.at(-1)).toMatch(`composite: ${seeds} seeds`);
  // A kind of fault that never strikes would test nothing.
  expect(lines.at(-2)).toMatch("faults met: ");
  expect(lines.at(-2)).not.toMatch("never met");
  console.log(lines.slice(-2).join("\n"));
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
  "the last reader takes the fill along",
  "puts go to the first tier",
  "a body that breaks is read again for ever",
  "a spool that nobody reads is kept",
  "all tiers may be written",
];

it("the histories find a sample of planted mistakes", { timeout: 600_000 }, async () => {
  const chosen = mutants.filter(({ name }) => sample.includes(name));
  expect(chosen.length).toBe(sample.length);
  const hunts = await huntAll(chosen, {
    simulation,
    firstSeed: 0,
    seedsMax: 2000,
    processMs: 300_000,
    concurrencyMax: 2,
  });
  const survivors = hunts.filter(({ violation }) => violation === undefined);
  expect(survivors.map(({ mutant }) => mutant)).toEqual([]);
});

afterEach(() => void vi.unstubAllEnvs());

// Each rule is there because it sees what no other sees: of the seeds up to the one that shows the
// mistake to it, none shows the mistake to the others.
const soleFinders: readonly (readonly [Rule, string])[] = [
  ["bytes", "the whole blob passes for the range"],
  ["end", "a range that ends early is complete"],
  ["absence", "403 needs nobody to vouch"],
  ["alone", "flights are not shared"],
  ["waits", "a fill that waits for its turn holds the spool"],
  ["handles", "an abort's listener stays"],
  ["budget", "entries are counted, not bytes"],
];

it.each(soleFinders)(
  "only the rule of %s finds that %s",
  { timeout: 600_000 },
  async (rule, name) => {
    const chosen = mutants.filter((mutant) => mutant.name === name);
    const options = { simulation, firstSeed: 0, processMs: 300_000 };
    const found = await hunt(chosen, { ...options, seedsMax: 1000 });
    expect(found.violation).toMatch(`[${rule}]`);
    vi.stubEnv("BITSTORE_SIM_WITHOUT", rule);
    const passed = await hunt(chosen, { ...options, seedsMax: (found.seed ?? 0) + 1 });
    expect(passed.violation).toBeUndefined();
  },
);
