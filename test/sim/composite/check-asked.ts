import { nameOf } from "./names.ts";
import type { Observed } from "./observed.ts";

/** Requests of one call to a tier: four tries, and as many again where it hedges. */
const triesMax = 4;

/** Holds what the tiers were asked against what was needed. */
export function checkAsked(observed: Observed): readonly string[] {
  return [...checkTries(observed), ...checkOpens(observed), ...checkOwnFailures(observed)];
}

/** One owner of retries: a service that fails is not asked several times as often as one that does not. */
function checkTries({ tiers, blobs, calls }: Observed): string[] {
  const problems: string[] = [];
  const hasPuts = calls.some(({ operation }) => operation.kind === "put");
  for (const { planned, bucket, watched } of tiers) {
    // A put reads what is in its way.
    if (bucket === undefined || planned.role === "cache") continue;
    if (planned.origin && hasPuts) continue;
    // So does a fill that heals, which reads what it puts into quarantine.
    if (planned.heal === true) continue;
    for (const { digest, key, index } of blobs) {
      const opens = watched.opens.filter((open) => open.digest === digest).length;
      const reads = bucket.requests.filter(
        (request) => request.key === key && request.operation === "read",
      ).length;
      const most = opens * triesMax * (planned.hedges ? 2 : 1);
      if (reads > most) {
        problems.push(
          `${planned.name} was sent ${reads} reads of blob ${index} for ${opens} calls`,
        );
      }
    }
  }
  return problems;
}

/** Reads of one tier that one call may need: two bodies, two failures in the middle, some flights. */
const opensMax = 14;

/** A tier whose bodies break again and again is not asked for ever. */
function checkOpens({ tiers, blobs, calls }: Observed): string[] {
  if (calls.some(({ operation }) => operation.kind === "fetch")) return [];
  return tiers.flatMap(({ planned, watched }) =>
    blobs.flatMap((blob) => {
      const opens = watched.opens.filter(({ digest }) => digest === blob.digest).length;
      const asked = calls.filter((call) => call.blob === blob).length;
      const isFew = opens <= opensMax * Math.max(1, asked);
      return isFew ? [] : [`${planned.name} was opened ${opens} times for ${asked} calls`];
    }),
  );
}

/** A failure is told to who met it: whoever only joined asks again before it fails. */
function checkOwnFailures({ tiers, calls }: Observed): string[] {
  const problems: string[] = [];
  for (const call of calls) {
    const { answer, operation, blob, startStep, endStep } = call;
    const isFailed = answer.kind === "error" && answer.code === "UNAVAILABLE";
    // Of a copy that is remembered as corrupt nothing is asked.
    if (isFailed && answer.text.includes("(remembered)")) continue;
    if (!isFailed || operation.kind !== "open" || blob === undefined) continue;
    const opens = tiers.flatMap(({ watched }) =>
      watched.opens.filter((open) => open.digest === blob.digest),
    );
    const hasAsked = opens.some((open) => open.startStep >= startStep && open.startStep <= endStep);
    const isOthers = opens.some(
      (open) =>
        open.told === "failed" && open.startStep < startStep && (open.endStep ?? 0) >= startStep,
    );
    if (!hasAsked && isOthers) problems.push(`${nameOf(call)}: it was told another's failure`);
  }
  return problems;
}
