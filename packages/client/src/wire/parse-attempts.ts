import { type Attempt, type ErrorCode, errorTable, StoreError } from "@bitstore/core";
import { type Fields, fieldsOf } from "./fields.ts";

const outcomes: ReadonlySet<string> = new Set([
  "hit",
  "miss",
  "corrupt",
  "failed",
  "denied",
  "archived",
  "skipped",
]);

/** Reads what each tier said. @throws INTERNAL for anything that is no list of attempts. */
export function parseAttempts(value: unknown, source: string): readonly Attempt[] {
  const asked = { operation: "read", subject: "attempts", source };
  return fieldsOf({ attempts: value }, asked).objects("attempts").map(parseAttempt);
}

/** Reads what one tier said. */
export function parseAttempt(fields: Fields): Attempt {
  const outcome = fields.text("outcome");
  return {
    tier: fields.text("tier"),
    // A tier of a later release may say more than is known here; it did not deliver.
    outcome: outcomes.has(outcome) ? (outcome as Attempt["outcome"]) : "failed",
    elapsedMs: fields.number("elapsedMs"),
    bytes: fields.whole("bytes"),
    note: fields.maybe("note", fields.text),
    error: fields.maybe("error", (name) => parseError(fields.object(name))),
  };
}

function parseError(fields: Fields): StoreError {
  const code = fields.text("code");
  return new StoreError({
    code: Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "INTERNAL",
    operation: fields.maybe("operation", fields.text) ?? "",
    source: fields.maybe("source", fields.text),
    subject: fields.maybe("subject", fields.text),
    message: fields.maybe("detail", fields.text) ?? fields.maybe("message", fields.text) ?? code,
  });
}
