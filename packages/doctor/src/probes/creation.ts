import type { ProbeFinding } from "@bitstore/tags";
import { no, type Probe, type Verdict, yes } from "../probe.ts";
import type { ProbeContext } from "../probe-context.ts";
import { noWrite } from "./writes.ts";

const limitMs = 60_000;

export const createTwice: Probe<ProbeContext> = {
  name: "create-twice",
  question: "does the second creator of a key lose?",
  meaning: "Tags can't be kept here: a later writer overwrites what an earlier one was promised.",
  limitMs,
  skip: noWrite,
  run: async ({ proof }, signal) => verdictOf((await proof(signal)).createTwice),
};

export const racingCreators: Probe<ProbeContext> = {
  name: "racing-creators",
  question: "does exactly one of 16 creators at once win?",
  meaning: "Tags can't be kept here: two writers may both win.",
  limitMs,
  skip: noWrite,
  run: async ({ proof }, signal) => verdictOf((await proof(signal)).racingCreators),
};

function verdictOf({ holds, detail }: ProbeFinding): Verdict {
  return holds ? yes(detail) : no(detail);
}
