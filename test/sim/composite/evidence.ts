import type { ScriptedRequest } from "@bitstore/conformance";
import type { Blob, Call, Observed, ObservedTier } from "./observed.ts";

/** A read with the same credentials that vouches for a 403 is no older than that. */
const canaryMs = 60_000;

/**
 * Tells whether a call may say that a blob is nowhere: each tier has said so to some request, no
 * longer ago than it is remembered, and not before a write that had been acknowledged when the call
 * began. What was asked for another call that was under way may be shared.
 */
export function mayBeMissing(observed: Observed, call: Call, blob: Blob): boolean {
  const since = earliestOf(observed, call, blob);
  const writtenStep = lastWrittenStep(observed, call, blob);
  return observed.tiers.every((tier) => {
    if (tier.bucket === undefined) return true;
    // A miss is remembered from when it is told, so the request may have begun somewhat before.
    const fromMs = since.ms - tier.planned.negativeTtlMs;
    return tier.bucket.requests.some(
      (request) =>
        request.key === blob.key &&
        (request.operation === "read" || request.operation === "head") &&
        request.toldStep !== undefined &&
        request.toldStep <= call.endStep &&
        (request.toldMs ?? 0) >= fromMs &&
        request.startStep >= writtenStep &&
        (request.told === "miss" || isBelieved(tier, request)),
    );
  });
}

/** A 403 that says AccessDenied, of a tier where that means a miss, with a read that vouches for it. */
function isBelieved({ planned, bucket }: ObservedTier, request: ScriptedRequest): boolean {
  const { failure } = request.fate;
  if (planned.forbiddenMeans !== "miss" || request.operation !== "read") return false;
  if (failure?.code !== "PERMISSION_DENIED" || failure.serviceCode !== "AccessDenied") return false;
  const told = request.toldMs ?? 0;
  return (bucket?.requests ?? []).some(
    (other) =>
      other.told === "hit" &&
      other.operation !== "list" &&
      Math.abs((other.toldMs ?? 0) - told) <= canaryMs + 30_000,
  );
}

/** The start of the first of all calls of this blob that this one may share an answer with. */
function earliestOf(
  { calls }: Observed,
  call: Call,
  blob: Blob,
): { readonly step: number; readonly ms: number } {
  let step = call.startStep;
  let ms = call.startMs;
  for (let isMore = true; isMore; ) {
    isMore = false;
    for (const other of calls) {
      const isSame = other.blob === blob || other.operation.kind === "fetch";
      if (!isSame || other.endStep < step || other.startStep >= step) continue;
      step = other.startStep;
      ms = Math.min(ms, other.startMs);
      isMore = true;
    }
  }
  return { step, ms };
}

/** When the last put was acknowledged before the call began; what was found out before that is stale. */
function lastWrittenStep({ calls }: Observed, call: Call, blob: Blob): number {
  let last = 0;
  for (const { answer, endStep, blob: written } of calls) {
    const isPut = answer.kind === "put" && written === blob && answer.digest === blob.digest;
    if (isPut && endStep < call.startStep) last = Math.max(last, endStep);
  }
  return last;
}
