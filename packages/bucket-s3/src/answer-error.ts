import { type ErrorCode, type Persistence, StoreError } from "@bitstore/core";
import type { ErrorContext } from "./to-store-error.ts";

/** Makes an error of this driver's own, about what a service answered. */
export function answerError(
  code: ErrorCode,
  operation: string,
  context: ErrorContext,
  message: string,
  persistence?: Persistence,
): StoreError {
  const { source, subject } = context;
  return new StoreError({ code, operation, source, subject, message, persistence });
}
