/**
 * Runs the simulators: `npm run sim -- --seeds N [--from S] [--mutants] [--only composite|tags]`, and
 * `npm run sim -- --seed S --trace` to see one history of the composite, the smallest that shows what
 * its seed does. Exits with 1 where anything is wrong.
 */
import { parseArgs } from "node:util";
import { mutants as tagMutants } from "../../packages/tags/test/model/mutants.ts";
import { knownDefects, meet } from "./composite/known-defects.ts";
import { mutants, pairs } from "./composite/mutants.ts";
import { hunt, type Hunt } from "./hunt.ts";
import type { Mutant } from "./mutant.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "2000" },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    whole: { type: "boolean", default: false },
    mutants: { type: "boolean", default: false },
    only: { type: "string" },
    with: { type: "string", multiple: true, default: [] },
  },
});

/** Findings after which a run stops. */
const findingsMax = 5;
/** A mutant that takes longer runs in circles. */
const processMs = 600_000;

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError(`--${name} is ${text}, which is no whole number`);
}

const isMeant = (name: string): boolean => values.only === undefined || values.only === name;
const seeds = whole("seeds", values.seeds);
const from = whole("from", values.from);
let isWrong = false;

/** Says how fast seeds were run, and what is gone round. */
function report(name: string, count: number, startedMs: number, wrong: number): void {
  const seconds = (performance.now() - startedMs) / 1000;
  const pace = Math.round(count / seconds);
  console.log(`${name}: ${count} seeds, ${pace} a second, ${wrong} wrong`);
  if (wrong > 0) isWrong = true;
}

async function runComposites(): Promise<void> {
  const { simulate, explain } = await import("./composite/simulate.ts");
  for (const [name, why] of Object.entries(knownDefects)) {
    if (!values.with.includes(name)) console.log(`known defect gone round: ${name}: ${why}`);
  }
  const startedMs = performance.now();
  let wrong = 0;
  let seed = from;
  for (; seed < from + seeds && wrong < findingsMax; seed += 1) {
    const finding = await simulate(seed);
    if (finding !== undefined) {
      wrong += 1;
      console.log(`${await explain(seed)}\nreplay: npm run sim -- --seed ${seed} --trace\n`);
    }
    // A simulation lets the event loop stand still.
    if (seed % 16 === 0) await new Promise((done) => setImmediate(done));
  }
  report("composite", seed - from, startedMs, wrong);
}

async function runTags(): Promise<void> {
  const { runSeeds } = await import("../../packages/tags/test/model/run-seeds.ts");
  const startedMs = performance.now();
  try {
    await runSeeds(from, from + seeds);
    report("tag log", seeds, startedMs, 0);
  } catch (error) {
    console.log(error instanceof Error ? error.message : String(error));
    report("tag log", seeds, startedMs, 1);
  }
}

async function huntIn(
  name: string,
  simulation: string,
  mistakes: readonly (readonly Mutant[])[],
): Promise<void> {
  const hunts: Hunt[] = [];
  const left = [...mistakes];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const each = await hunt(next, { simulation, firstSeed: from, seedsMax: seeds, processMs });
      hunts.push(each);
      const { mutant, seed, tried, violation } = each;
      const what = seed === undefined ? `NOT FOUND in ${tried}` : `found by seed ${seed}`;
      console.log(
        `${what}: ${mutant}${violation === undefined ? "" : `: ${violation.split("\n")[0]}`}`,
      );
    }
  };
  await Promise.all([worker(), worker()]);
  const missed = hunts.filter(({ seed }) => seed === undefined);
  console.log(`${name}: ${hunts.length - missed.length} of ${hunts.length} mutants found`);
  if (missed.length > 0) isWrong = true;
}

for (const name of values.with) meet(name);
if (values.seed !== undefined) {
  const { explain } = await import("./composite/simulate.ts");
  const text = await explain(whole("seed", values.seed), !values.whole);
  console.log(
    values.trace
      ? text
      : text
          .split("\n")
          .filter((line) => line.includes(" ! "))
          .join("\n"),
  );
} else if (values.mutants) {
  const ours = [...mutants.map((mutant) => [mutant]), ...pairs];
  if (isMeant("composite")) await huntIn("composite", "test/sim/composite/simulate.ts", ours);
  const theirs = tagMutants.map((mutant) => [mutant]);
  if (isMeant("tags")) await huntIn("tag log", "packages/tags/test/model/simulate.ts", theirs);
} else {
  if (isMeant("composite")) await runComposites();
  if (isMeant("tags")) await runTags();
}
process.exitCode = isWrong ? 1 : 0;
