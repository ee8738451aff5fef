import { setImmediate as turn } from "node:timers/promises";
import type { Ran } from "./run-history.ts";
import { type Finding, simulate } from "./simulate.ts";

/** Histories that `npm test` runs; BITSTORE_SIM_SEEDS asks for another number. */
export const seedsDefault = 20_000;

/** Findings that are told of before a run of seeds ends. */
const findingsMax = 3;

/** What the histories of a run came to, beside being right. */
export interface Tally {
  readonly seeds: number;
  /** Calls by how they were answered, such as `append INDETERMINATE` and `head`. */
  readonly answers: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly steps: number;
  readonly entries: number;
}

export function seedsWanted(environment: NodeJS.ProcessEnv): number {
  const { BITSTORE_SIM_SEEDS: text } = environment;
  if (text === undefined) return seedsDefault;
  const seeds = Number(text);
  if (!Number.isSafeInteger(seeds) || seeds < 1) {
    throw new RangeError(`BITSTORE_SIM_SEEDS is ${text}, which is no number of seeds`);
  }
  return seeds;
}

/** Runs the seeds from one up to, and without, another; rejects with what the first wrong ones show. */
export async function runSeeds(from: number, to: number): Promise<Tally> {
  const answers = new Map<string, number>();
  const findings: Finding[] = [];
  let requests = 0;
  let steps = 0;
  let entries = 0;
  const count = ({ observed, scheduler, requests: sent }: Ran): void => {
    requests += sent;
    steps += scheduler.step;
    entries += observed.effects.filter(({ key }) => key.endsWith(".json")).length;
    for (const { asked, answer } of observed.calls) {
      const name = answer.kind === "error" ? `${asked.kind} ${answer.code}` : asked.kind;
      answers.set(name, (answers.get(name) ?? 0) + 1);
    }
  };
  const { stackTraceLimit } = Error;
  // Most errors of a storm are never shown, and their stacks are a sixth of the time.
  Error.stackTraceLimit = 0;
  try {
    for (let seed = from; seed < to && findings.length < findingsMax; seed += 1) {
      const finding = await simulate(seed, count);
      if (finding !== undefined) findings.push(finding);
      // A simulation lets the event loop stand still.
      if (seed % 16 === 0) await turn();
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  if (findings.length > 0) throw new Error(findings.map(({ report }) => report).join("\n\n"));
  return { seeds: to - from, answers, requests, steps, entries };
}
