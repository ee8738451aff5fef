import { checkAsked } from "./check-asked.ts";
import { checkCalm } from "./check-calm.ts";
import { checkEnds } from "./check-ends.ts";
import { checkReads } from "./check-reads.ts";
import { checkRest } from "./check-rest.ts";
import { checkWrites } from "./check-writes.ts";
import type { Observed } from "./observed.ts";
import { under, type Violation } from "./rules.ts";

/** Says what is wrong with a history. */
export function check(observed: Observed): readonly Violation[] {
  if (observed.ended !== "done") {
    const text = `it never ends (${observed.ended}): ${observed.unfinished.join(", ")}`;
    return under("waits", [text]);
  }
  return [
    ...under("sense", observed.unfinished),
    ...observed.seen,
    ...checkReads(observed),
    ...under("writes", checkWrites(observed)),
    ...under("rest", checkRest(observed)),
    ...under("calm", checkCalm(observed)),
    ...under("asked", checkAsked(observed)),
    ...checkEnds(observed),
  ];
}
