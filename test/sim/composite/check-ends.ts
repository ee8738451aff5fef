import { getEventListeners } from "node:events";
import { nameOf } from "./names.ts";
import type { Observed } from "./observed.ts";
import { type Rule, under, type Violation } from "./rules.ts";

/** Milliseconds, once the weather is over, within which each call ends beside its own reader's pauses. */
const callMsMax = 400_000;

/** Looks whether each call ended in time, and that nothing is left when all is closed. */
export function checkEnds(observed: Observed): readonly Violation[] {
  const { plan, calls, tiers, isSteady, timersLeft, filesLeft, spoolsLeft } = observed;
  const problems: Violation[] = [];
  const note = (rule: Rule, text: string): void => void problems.push({ rule, text });
  const pausedMs = calls.reduce((sum, call) => sum + call.pausedMs, 0);
  for (const call of calls) {
    const tookMs = call.endMs - Math.max(call.startMs, plan.stormEndMs) - pausedMs;
    if (isSteady && tookMs > callMsMax)
      note("waits", `${nameOf(call)}: took ${Math.round(tookMs)} ms`);
    const left = call.signal.aborted ? 0 : getEventListeners(call.signal, "abort").length;
    if (left > 0) note("handles", `${nameOf(call)}: ${left} listeners are left on its signal`);
  }
  problems.push(...under("waits", checkRoom(observed)));
  for (const { planned, bucket } of tiers) {
    for (const { operation, key, isOpen, told, signal, fate, startStep } of bucket?.requests ??
      []) {
      const name = `${operation} of ${key.slice(-6)} at ${planned.name}, sent at step ${startStep},`;
      if (isOpen === true) note("handles", `${name} is open still`);
      const isWaiting = told === undefined && fate.isSilent === true;
      if (isWaiting && signal?.aborted !== true) note("waits", `${name} is waited for still`);
    }
  }
  if (timersLeft > 0) note("handles", `${timersLeft} timers are left`);
  if (spoolsLeft > 0) note("handles", `${spoolsLeft} spools are not given back`);
  if (filesLeft > 0) note("handles", `${filesLeft} temporary files are left open`);
  return problems;
}

/** Milliseconds that a read waits for room in the queue of fills, and some more. */
const roomMsMax = 11_000;

/** A cache that is stuck holds up no read for longer than is said. */
function checkRoom({ plan, calls, tiers, isSteady }: Observed): string[] {
  if (!isSteady) return [];
  return calls.flatMap((call) => {
    const { operation, answer, blob, endMs, endStep, pausedMs, startStep } = call;
    if (operation.kind !== "open" || answer.kind !== "bytes" || blob === undefined) return [];
    if (blob.bytes.byteLength > plan.verifyFirstBytesMax || pausedMs > 0) return [];
    const ends = tiers
      .flatMap(({ watched }) => watched.opens)
      .filter((open) => open.digest === blob.digest && (open.endStep ?? endStep) <= endStep)
      .map((open) => open.endMs ?? endMs);
    const waitedMs = endMs - Math.max(call.startMs, ...ends);
    const hasEnd = ends.length > 0 && startStep < endStep;
    const isHeldUp = hasEnd && waitedMs > roomMsMax;
    return isHeldUp ? [`${nameOf(call)}: had its bytes, and was held up for ${waitedMs} ms`] : [];
  });
}
