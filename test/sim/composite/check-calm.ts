import { nameOf } from "./names.ts";
import type { Call, Observed } from "./observed.ts";

/**
 * Holds a history in which nothing went wrong against what must then be so: every call succeeds, no
 * tier is asked more often than its callers make needful, and every cache is filled.
 */
export function checkCalm(observed: Observed): readonly string[] {
  if (!isCalm(observed)) return [];
  const problems: string[] = [];
  for (const call of observed.calls) {
    if (hasReason(observed, call)) continue;
    const { answer } = call;
    const code =
      answer.kind === "error"
        ? answer.code
        : answer.kind === "bytes" && answer.ended !== "clean" && answer.ended !== "left"
          ? answer.ended
          : undefined;
    if (code !== undefined) problems.push(`${nameOf(call)}: ${code}, and nothing was wrong`);
    if (answer.kind === "fetched") {
      const failed = answer.outcomes.filter(
        ({ status, digest }) => status === "failed" && digest !== undefined,
      );
      if (failed.length > 0)
        problems.push(`${nameOf(call)}: ${failed.length} failed, and nothing was wrong`);
    }
  }
  return [...problems, ...checkFilled(observed), ...checkPace(observed)];
}

function isCalm({ plan, isSteady }: Observed): boolean {
  return (
    isSteady &&
    plan.stormEndMs === 0 &&
    plan.events.length === 0 &&
    plan.diskFullAt === undefined &&
    plan.tiers.every(({ climate, rotten }) => climate.lasting === undefined && rotten.length === 0)
  );
}

/** What a call was told in calm weather may be its own doing. */
function hasReason({ plan, tiers }: Observed, { operation, answer, lane }: Call): boolean {
  if (operation.abortAfterMs !== undefined && lane !== "rest") return true;
  const code = answer.kind === "error" ? answer.code : undefined;
  switch (operation.kind) {
    case "put":
      return operation.fault !== "none" || !plan.tiers.some(({ origin }) => origin);
    case "delete":
    case "durable":
      return !plan.tiers.some(({ origin }) => origin);
    case "range":
      // It starts past the end, or its version was replaced.
      return (
        code === "RANGE_NOT_SATISFIABLE" ||
        (answer.kind === "bytes" && answer.ended === "RANGE_NOT_SATISFIABLE") ||
        operation.pinned
      );
    case "stat":
      // Of an API that tells none it can't be known.
      return tiers.some(({ planned }) => planned.kind === "api");
    default:
      return false;
  }
}

/** What was read from behind a cache is in it when all is quiet, however its readers left. */
function checkFilled({ plan, tiers, calls, restFromStep }: Observed): string[] {
  if (calls.some(({ operation }) => operation.kind === "delete")) return [];
  if (plan.spool.spoolsBytesMax < 1e6) return [];
  const problems: string[] = [];
  for (const { operation, blob, answer, lane } of calls) {
    if (operation.kind !== "open" || blob === undefined || answer.kind !== "bytes") continue;
    const isTaken = answer.ended === "clean" || answer.ended === "left";
    if (!isTaken || operation.abortAfterMs !== undefined || lane === "rest") continue;
    const isSmall = blob.bytes.byteLength <= plan.verifyFirstBytesMax;
    // Small ones wait for room in the queue for a limited time.
    if (isSmall && plan.fillQueueBytesMax < 1e6) continue;
    // What is larger than its spool is given up where it has to wait for its turn.
    const isKept = blob.bytes.byteLength <= plan.spool.spoolBytesMax;
    if (!isSmall && !isKept && plan.fillsInFlightMax < 32) continue;
    const at = tiers.findIndex(({ planned }) => planned.name === answer.tier);
    for (const { planned, writable, bucket } of tiers.slice(0, Math.max(0, at))) {
      if (planned.role !== "cache" || !writable || bucket === undefined) continue;
      const isThere = bucket.changes.some(
        ({ key, bytes, step }) => key === blob.key && bytes !== undefined && step <= restFromStep,
      );
      if (!isThere)
        problems.push(
          `${planned.name}: nothing hindered it, and blob ${blob.index} was not filled`,
        );
    }
  }
  return problems;
}

/** Milliseconds that a read takes at most where no place is short: every answer is slow, every chunk too. */
const readMsMax = 30_000;

/** A slow reader holds up nobody but itself. */
function checkPace({ plan, calls }: Observed): string[] {
  if (plan.tiers.some(({ limitedTo }) => limitedTo < 64)) return [];
  // Beyond the budget of the spools each goes at its own pace, one after the other.
  if (plan.spool.spoolsBytesMax < 1e6) return [];
  return calls.flatMap((call) => {
    const isOpen = call.operation.kind === "open" && call.pausedMs === 0;
    const tookMs = call.endMs - call.startMs;
    return isOpen && tookMs > readMsMax ? [`${nameOf(call)}: took ${Math.round(tookMs)} ms`] : [];
  });
}
