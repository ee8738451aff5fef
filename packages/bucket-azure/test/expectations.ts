import { type ErrorCode, isStoreError, type StoreError } from "@bitstore/core";
import { expect } from "vitest";

/** Fails unless the promise rejects with a StoreError of that code; resolves to the error. */
export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<StoreError> {
  const [settled] = await Promise.allSettled([promise]);
  if (settled.status === "fulfilled") return expect.fail("it should have failed");
  const error: unknown = settled.reason;
  if (!isStoreError(error)) return expect.fail(`no StoreError: ${String(error)}`);
  expect(error.code, error.message).toBe(code);
  return error;
}
