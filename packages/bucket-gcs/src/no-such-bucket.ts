import { StoreError } from "@bitstore/core";

/** Makes the error of a bucket that does not exist, which is a failure and never a miss. */
export function noSuchBucket(operation: string, source: string, subject?: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation,
    source,
    subject,
    message: "the bucket does not exist, or these credentials may not know of it",
    persistence: "permanent",
  });
}
