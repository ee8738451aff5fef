import { StoreError } from "@bitstore/core";

/** Makes a failure of something that an operation needed, such as credentials, one of its own. */
export function relabelled(
  failure: StoreError,
  operation: string,
  source: string,
  subject: string | undefined,
): StoreError {
  if (failure.operation === operation && failure.subject === subject) return failure;
  const { code, detail, persistence, retryAfterMs, cause } = failure;
  return new StoreError({
    code,
    operation,
    source,
    subject,
    message: detail,
    persistence,
    retryAfterMs,
    cause,
  });
}
