import { type ErrorCode, isStoreError, type StoreError } from "@bitstore/core";
import { expect } from "vitest";

/** Fails unless the promise rejects with a StoreError of the code; resolves to it. */
export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<StoreError> {
  const error = await promise.then(
    () => expect.fail(`expected ${code}, got no rejection`),
    (reason: unknown) => reason,
  );
  if (!isStoreError(error)) throw error;
  expect(error.code, error.message).toBe(code);
  return error;
}
