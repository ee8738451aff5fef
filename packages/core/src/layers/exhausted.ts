import { StoreError } from "../errors.ts";

/** Says of a failed attempt that it was the last of several: nothing above is to try again. */
export function exhausted(error: StoreError, attempts: number): StoreError {
  return new StoreError({
    code: error.code,
    operation: error.operation,
    source: error.source,
    subject: error.subject,
    message: attempts === 1 ? error.detail : `${error.detail} (after ${attempts} attempts)`,
    persistence: "exhausted",
    retryAfterMs: error.retryAfterMs,
    serviceCode: error.serviceCode,
    attempts: error.attempts,
    cause: error.cause,
  });
}
