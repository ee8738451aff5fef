import type { Simulation, Simulator } from "./simulators.ts";

/** Findings after which a run stops. */
const findingsMax = 5;

/**
 * Runs seeds of one simulator and prints how many a second, and how many were wrong; of each that was
 * wrong, the smallest history that shows it. Resolves to whether none was.
 */
export async function runSeeds(
  { name }: Simulator,
  { findViolation, explain, coverage }: Simulation,
  from: number,
  seeds: number,
): Promise<boolean> {
  const { stackTraceLimit } = Error;
  // Most errors of a storm are never shown, and their stacks take time.
  Error.stackTraceLimit = 0;
  const startedMs = performance.now();
  let wrong = 0;
  let seed = from;
  for (; seed < from + seeds && wrong < findingsMax; seed += 1) {
    const violation = await findViolation(seed);
    if (violation !== undefined) {
      wrong += 1;
      console.log(`${name}, seed ${seed}: ${violation}\n${await explain(seed)}`);
      console.log(`replay: npm run sim -- --only ${name} --seed ${seed} --trace\n`);
    }
    // A simulation lets the event loop stand still.
    if (seed % 16 === 0) await new Promise((done) => setImmediate(done));
  }
  Error.stackTraceLimit = stackTraceLimit;
  const count = seed - from;
  const seconds = (performance.now() - startedMs) / 1000;
  if (coverage !== undefined) console.log(`${name}: ${coverage()}`);
  const pace = (count / seconds).toFixed(count / seconds < 10 ? 1 : 0);
  console.log(`${name}: ${count} seeds, ${pace} a second, ${wrong} wrong`);
  return wrong === 0;
}
