import { errorTable, isStoreError } from "../errors.ts";

/**
 * How a request ended, as far as the service's health goes. A refusal that says when to come back is
 * an answer: the service is there, and knows what it does.
 */
export type RequestEnd = "answered" | "failed" | "unknown";

/** Judges an error that a service's request ended with. */
export function requestEndOf(error: unknown): RequestEnd {
  if (!isStoreError(error)) return "failed";
  if (error.code === "ABORTED") return "unknown";
  if (error.retryAfterMs !== undefined || error.code === "RATE_LIMITED") return "answered";
  return errorTable[error.code].transient || error.code === "INTERNAL" ? "failed" : "answered";
}
