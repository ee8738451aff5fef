import { type Content, type ErrorCode, isStoreError, type StoreError } from "@bitstore/core";
import { expect } from "vitest";

/** Fails unless it rejects with a StoreError of that code; resolves to the error. */
export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<StoreError> {
  let error: unknown;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  if (!isStoreError(error)) return expect.fail(`expected ${code}, got ${String(error)}`);
  expect(error.code, error.message).toBe(code);
  return error;
}

/** Collects a list. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Reads to the end, chunk by chunk; fails where there is no read. */
export async function streamOf(content: Content | undefined): Promise<Uint8Array> {
  if (content === undefined) return expect.fail("expected a read, got a miss");
  return Buffer.concat(await all(content.body));
}
