import { checkReads } from "./check-reads.ts";
import { checkWrites } from "./check-writes.ts";
import type { Call, Observed } from "./observed.ts";
import { readTimelines } from "./timelines.ts";

/** Violations that are told of one history. */
const violationsMax = 10;

/** Virtual time that an operation may take in fair weather: those that wait for it come on top. */
export const boundedMs = 600_000;

/** Answers with which an operation may end in bad weather. */
const weatherCodes: ReadonlySet<string> = new Set([
  "TIMEOUT",
  "UNAVAILABLE",
  "RATE_LIMITED",
  "INDETERMINATE",
]);

const writeCodes: ReadonlySet<string> = new Set([
  "PRECONDITION_FAILED",
  "NOT_FOUND",
  "INVALID_ARGUMENT",
]);

/**
 * Tells what is wrong with a history, from the bucket's bytes and from what callers asked and were
 * told; nothing of the log's own code has a say.
 */
export function check(observed: Observed): readonly string[] {
  const violations: string[] = [];
  const note = (violation: string): void => {
    if (violations.length < violationsMax) violations.push(violation);
  };
  const timelines = readTimelines(observed, note);
  checkWrites(observed, timelines, note);
  checkReads(observed, timelines, note);
  for (const call of observed.calls) checkEnd(call, observed, note);
  if (observed.ended !== "done") {
    note(`it did not end: ${observed.ended} (${observed.unfinished.join(", ")})`);
  } else if (observed.unfinished.length > 0) {
    note(`a caller failed: ${observed.unfinished.join(", ")}`);
  }
  for (const alarm of observed.alarms) note(`a false alarm: ${alarm}`);
  return violations;
}

/** An operation ends, in time, with an answer that its contract knows. */
function checkEnd(call: Call, observed: Observed, note: (violation: string) => void): void {
  const { answer, id, asked, isAborted, fromMs, toMs, terms } = call;
  const name = `call ${id} (${asked.kind})`;
  const { calmFromMs, isSteady } = observed;
  const fairFromMs = calmFromMs === Number.POSITIVE_INFINITY ? fromMs : calmFromMs;
  const tookMs = toMs - Math.max(fromMs, fairFromMs);
  if (isSteady && asked.kind !== "watch" && tookMs > boundedMs) note(`${name} took ${tookMs} ms`);
  if (answer.kind !== "error") return;
  const { code, message, isPermanent } = answer;
  if (code === "ABORTED") {
    if (!isAborted) note(`${name} was aborted by nobody: ${message}`);
  } else if (weatherCodes.has(code)) {
    if (isPermanent && code !== "INDETERMINATE") note(`${name} is told of a loss: ${message}`);
    if (code === "INDETERMINATE" && terms === undefined) note(`${name} is no write: ${message}`);
    if (isSteady && fromMs >= calmFromMs && !isAborted) {
      note(`${name} failed in fair weather: ${code} ${message}`);
    }
  } else if (terms === undefined || !writeCodes.has(code)) {
    note(`${name} ended with ${code}: ${message}`);
  }
}
