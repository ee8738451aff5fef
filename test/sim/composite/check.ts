import { checkAsked } from "./check-asked.ts";
import { checkCalm } from "./check-calm.ts";
import { checkEnds } from "./check-ends.ts";
import { checkReads } from "./check-reads.ts";
import { checkRest } from "./check-rest.ts";
import { checkWrites } from "./check-writes.ts";
import type { Observed } from "./observed.ts";

/** Says what is wrong with a history, one line each. */
export function check(observed: Observed): readonly string[] {
  if (observed.ended !== "done") {
    return [`it never ends (${observed.ended}): ${observed.unfinished.join(", ")}`];
  }
  return [
    ...observed.unfinished.map((each) => `it broke: ${each}`),
    ...observed.seen,
    ...checkReads(observed),
    ...checkWrites(observed),
    ...checkRest(observed),
    ...checkCalm(observed),
    ...checkAsked(observed),
    ...checkEnds(observed),
  ];
}
