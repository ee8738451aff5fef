import type { Digest } from "../digest.ts";
import { type ErrorCode, isStoreError, StoreError } from "../errors.ts";
import { isHeldBack } from "../layers/with-breaker.ts";
import type { Attempt } from "../source.ts";

const outcomes: Partial<Record<ErrorCode, Attempt["outcome"]>> = {
  DIGEST_MISMATCH: "corrupt",
  PERMISSION_DENIED: "denied",
  UNAUTHENTICATED: "denied",
  ARCHIVED: "archived",
  UNSUPPORTED: "skipped",
};

/** Names the outcome of a question that a tier answered with an error. */
export function outcomeOf(error: StoreError): Attempt["outcome"] {
  if (isHeldBack(error)) return "skipped";
  return outcomes[error.code] ?? "failed";
}

/** Takes whatever was thrown as a StoreError: a driver's defect is INTERNAL, and names the tier. */
export function asStoreError(error: unknown, operation: string, source: string): StoreError {
  if (isStoreError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError({ code: "INTERNAL", operation, source, message, cause: error });
}

/** Tells whether all that were asked said "not here": only that makes a blob absent. */
export function allMissed(attempts: readonly Attempt[]): boolean {
  return attempts.every(({ outcome }) => outcome === "miss");
}

/** Makes the error of a question that no tier answered with the blob, and some did not answer. */
export function unavailable(
  operation: string,
  digest: Digest,
  attempts: readonly Attempt[],
): StoreError {
  const said = attempts.map((attempt) => `${attempt.tier} ${describe(attempt)}`).join(", ");
  const retryAfterMs = attempts
    .map(({ error }) => error?.retryAfterMs)
    .filter((each) => each !== undefined);
  const lasting = attempts.every(
    ({ outcome, error }) => outcome === "miss" || error?.persistence === "permanent",
  );
  return new StoreError({
    code: "UNAVAILABLE",
    operation,
    subject: digest,
    message: `no tier could deliver it: ${said}`,
    attempts,
    retryAfterMs: retryAfterMs.length > 0 ? Math.min(...retryAfterMs) : undefined,
    persistence: lasting ? "permanent" : "exhausted",
    cause: attempts.find(({ error }) => error !== undefined)?.error,
  });
}

function describe({ outcome, note, error }: Attempt): string {
  const why = note ?? (outcome === "miss" ? undefined : error?.detail);
  return why === undefined ? outcome : `${outcome} (${why})`;
}
