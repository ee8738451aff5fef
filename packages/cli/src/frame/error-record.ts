import { type Attempt, errorTable, type StoreError } from "@bitstore/core";
import { hintIn, messageOf } from "./hinted.ts";

/** Writes an attempt as JSON shows it: an error by its code and clause. */
export function attemptRecord(attempt: Attempt): Record<string, unknown> {
  const { tier, outcome, elapsedMs, bytes, note, error } = attempt;
  return {
    tier,
    outcome,
    elapsedMs: Math.round(elapsedMs * 1000) / 1000,
    bytes,
    note,
    error: error === undefined ? undefined : { code: error.code, message: error.detail },
  };
}

/** Writes an error as JSON shows it, in the names of the HTTP API's problems where they overlap. */
export function errorRecord(error: StoreError): Record<string, unknown> {
  return {
    code: error.code,
    message: messageOf(error),
    operation: error.operation === "" ? undefined : error.operation,
    subject: error.subject,
    source: error.source,
    exit: errorTable[error.code].exit,
    persistence: error.persistence,
    retryAfterMs: error.retryAfterMs,
    serviceCode: error.serviceCode,
    hint: hintIn(error),
    attempts: error.attempts?.map(attemptRecord),
  };
}
