import { compareBytes, nameOf } from "./names.ts";
import type { Blob, Observed, ObservedTier } from "./observed.ts";

/**
 * When the weather is over and all that passes has passed, a blob that any healthy tier has is read,
 * and one that none has is missing only if all of them answer.
 */
export function checkRest(observed: Observed): readonly string[] {
  const problems: string[] = [];
  for (const blob of observed.blobs) {
    const last = observed.calls.findLast(
      ({ lane, blob: read }) => lane === "rest" && read === blob,
    );
    if (last === undefined) continue;
    const { answer } = last;
    const isRead = answer.kind === "bytes" && answer.ended === "clean";
    const text = answer.kind === "error" ? answer.text : JSON.stringify(answer).slice(0, 80);
    if (isReachable(observed, blob) && !isRead) {
      problems.push(
        `${nameOf(last)}: a healthy tier has it, and it is not read (${observed.plan.seed}): ${text}`,
      );
    }
    const isSick = observed.tiers.some(({ planned }) => planned.climate.lasting !== undefined);
    const isNowhere = observed.tiers.every((tier) => !holds(tier, blob, "anything"));
    const hasMemory = observed.tiers.some(({ bucket }) => bucket === undefined);
    if (isNowhere && !isSick && !hasMemory && answer.kind !== "absent") {
      problems.push(`${nameOf(last)}: nobody has it, all answered, and it is not missing: ${text}`);
    }
  }
  return problems;
}

/** Whether a healthy tier has the right bytes, and no tier before it stops the search. */
function isReachable({ tiers }: Observed, blob: Blob): boolean {
  for (const tier of tiers) {
    const { planned } = tier;
    if (planned.climate.lasting === undefined && holds(tier, blob, "right")) return true;
    if (
      planned.onFailure === "stop" &&
      (planned.climate.lasting !== undefined || holds(tier, blob, "anything"))
    ) {
      return false;
    }
  }
  return false;
}

function holds({ bucket }: ObservedTier, blob: Blob, what: "right" | "anything"): boolean {
  const bytes = bucket?.now(blob.key);
  if (bytes === undefined) return false;
  return what === "anything" || compareBytes(bytes, blob.bytes);
}
