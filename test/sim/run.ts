/**
 * Runs the simulators, each in a process of its own since they put parts of themselves in the place of
 * Node's modules:
 *
 * - `npm run sim -- --seeds N [--from S]` shares N seeds among all; `--only NAME` gives them to one of
 *   composite, tags, gc, journal and cache.
 * - `npm run sim -- --only NAME --seed S --trace` prints the smallest history that shows what a seed
 *   shows, step by step; `--whole` prints all of it, and without `--trace` only what is wrong.
 * - `npm run sim -- --mutants [--only NAME] [--seeds N] [--mutant WORDS]` plants mistakes and hunts
 *   each, or those with the words in their names.
 *
 * Exits with 1 where anything is wrong.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { runHunts } from "./run-hunts.ts";
import { runSeeds } from "./run-seeds.ts";
import { type Simulation, type Simulator, simulators } from "./simulators.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    whole: { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    mutant: { type: "string" },
    only: { type: "string" },
  },
});

const seedsDefault = "2000";
/** Seeds in which a mutant has to show. */
const huntSeedsDefault = "10000";

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`--${name} is ${text}, which is no whole number`);
}

function chosen(): readonly Simulator[] {
  const meant = simulators.filter(({ name }) => values.only === undefined || values.only === name);
  if (meant.length > 0) return meant;
  const names = simulators.map(({ name }) => name).join(", ");
  throw new RangeError(`--only is ${values.only}, which is none of ${names}`);
}

async function load({ module }: Simulator): Promise<Simulation> {
  const root = new URL("../../", import.meta.url);
  const path = fileURLToPath(new URL(module, root));
  const loaded: Simulation = await import(pathToFileURL(path).href);
  return loaded;
}

/** Prints the history of one seed, or what is wrong with it. */
async function show(simulator: Simulator, seed: number): Promise<boolean> {
  const { explain, findViolation } = await load(simulator);
  const violation = await findViolation(seed);
  if (values.trace || values.whole) console.log(await explain(seed, !values.whole));
  else console.log(violation ?? `seed ${seed} is right`);
  return violation === undefined;
}

/** Runs one simulator in a process of its own, and passes on what it prints when it is done. */
async function runApart(name: string, seeds: number): Promise<boolean> {
  const flags = ["--conditions=@bitstore/source", "--no-warnings"];
  const args = ["--only", name, "--seeds", `${seeds}`, "--from", values.from];
  const child = spawn(process.execPath, [...flags, fileURLToPath(import.meta.url), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  const [code]: unknown[] = await once(child, "close");
  process.stdout.write(output);
  return code === 0;
}

async function runAll(meant: readonly Simulator[], seeds: number): Promise<boolean> {
  const shares = meant.reduce((sum, { share }) => sum + share, 0);
  const left = [...meant];
  let isRight = true;
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const own = Math.max(1, Math.round((seeds * next.share) / shares));
      isRight = (await runApart(next.name, own)) && isRight;
    }
  };
  await Promise.all([worker(), worker()]);
  return isRight;
}

async function run(): Promise<boolean> {
  const meant = chosen();
  const [first] = meant;
  const from = whole("from", values.from);
  if (values.mutants) {
    const seedsMax = whole("seeds", values.seeds ?? huntSeedsDefault);
    const { mutant: words = "" } = values;
    const some = meant.map((each) => ({
      ...each,
      mistakes: each.mistakes.filter(({ name }) => name.includes(words)),
    }));
    return await runHunts(some, { firstSeed: from, seedsMax });
  }
  const composite = simulators.find(({ name }) => name === "composite");
  // A seed alone is one of the composite, which was the first to have them.
  const asked = values.only === undefined ? composite : first;
  if (values.seed !== undefined && asked !== undefined) {
    return await show(asked, whole("seed", values.seed));
  }
  const seeds = whole("seeds", values.seeds ?? seedsDefault);
  if (meant.length !== 1 || first === undefined) return await runAll(meant, seeds);
  return await runSeeds(first, await load(first), from, seeds);
}

process.exitCode = (await run()) ? 0 : 1;
