import { StoreError } from "@bitstore/core";

/** Tells whether a version can be one of this service: a positive number of 63 bits. */
export function isGeneration(version: string): boolean {
  return /^[1-9]\d{0,18}$/.test(version);
}

/** Makes the error of a condition on a version that the object does not have. */
export function staleVersion(operation: string, source: string, key: string): StoreError {
  return new StoreError({
    code: "PRECONDITION_FAILED",
    operation,
    source,
    subject: key,
    message: "the object is not at the version that was asked for",
  });
}
