import { simulate } from "./gc-sim.ts";

// Runs histories until one is wrong: `run-sim.ts FIRST COUNT [--lax] [--trace]`. Prints what happened as JSON.
const [first = "1", many = "100", ...flags] = process.argv.slice(2);
const isTraced = flags.includes("--trace");
const isLax = flags.includes("--lax");
const counts: Record<string, number> = {};
let found: unknown;
let ran = 0;
for (let seed = Number(first); seed < Number(first) + Number(many); seed += 1) {
  const result = await simulate(seed, { isTraced, isLax });
  ran += 1;
  for (const [what, times] of Object.entries(result.counts)) {
    counts[what] = (counts[what] ?? 0) + times;
  }
  if (result.violations.length > 0) {
    const { violations, trace } = result;
    found = { seed, violations, ...(isTraced ? { trace } : {}) };
    break;
  }
}
process.stdout.write(`${JSON.stringify({ ran, found, counts }, undefined, 1)}\n`);
