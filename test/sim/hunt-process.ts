/**
 * Hunts one mistake, in a process of its own: plants its mutants together, then runs seeds until one
 * shows a violation.
 * Arguments: the module of the simulation, the first seed, how many seeds, and the mutants as JSON.
 * Prints one line of JSON. Node must be given `--conditions=@bitstore/source`.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { type Mutant, plant } from "./mutant.ts";

/** What a module must export to be hunted in. */
interface Simulation {
  findViolation(seed: number): Promise<string | undefined>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const [modulePath = "", from = "0", count = "0", mutantsJson = "[]"] = process.argv.slice(2);
const mutants: readonly Mutant[] = JSON.parse(mutantsJson);
const byUrl = Map.groupBy(mutants, ({ file }) => pathToFileURL(resolve(root, file)).href);
const planted = new Set<Mutant>();

registerHooks({
  load(url, context, nextLoad) {
    const here = byUrl.get(url);
    if (here === undefined) return nextLoad(url, context);
    let source = readFileSync(fileURLToPath(url), "utf8");
    for (const mutant of here) {
      source = plant(mutant, source);
      planted.add(mutant);
    }
    return { format: "module-typescript", source, shortCircuit: true };
  },
});

// Whatever a mutant leaves unhandled is a violation of the seed that was under way.
let stray: string | undefined;
process.on("unhandledRejection", (reason) => {
  stray ??= inspect(reason);
});

const simulation: Simulation = await import(pathToFileURL(resolve(root, modulePath)).href);
if (planted.size !== mutants.length) throw new Error("a mutant's file was never loaded");
const first = Number(from);
const last = first + Number(count);
let violation: string | undefined;
let seed = first;
let tried = 0;
for (; seed < last; seed += 1) {
  tried += 1;
  violation = await simulation.findViolation(seed);
  if (stray !== undefined) violation ??= `a rejection that nobody awaits: ${stray}`;
  if (violation !== undefined) break;
  // Lets the event loop turn, which the simulation does not.
  if (seed % 16 === 0) await new Promise((done) => setImmediate(done));
}
process.stdout.write(`${JSON.stringify({ seed, tried, violation })}\n`);
