import { type Content, type ErrorCode, isStoreError } from "@bitstore/core";
import { expect } from "vitest";

/** Milliseconds within which an abort must be answered; far above what a busy machine needs. */
export const promptMs = 10_000;

/** Fails unless the promise rejects with a StoreError of that code; resolves to the error. */
export async function expectCode(promise: Promise<unknown>, ...codes: ErrorCode[]): Promise<Error> {
  const error = await rejectionOf(promise);
  if (!isStoreError(error)) {
    throw new Error(`expected a StoreError ${codes.join(" or ")}, got ${String(error)}`, {
      cause: error,
    });
  }
  expect(codes, error.message).toContain(error.code);
  return error;
}

/** Resolves to what the promise rejects with; fails where it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  return expect.fail(`expected a rejection, got ${typeof value}`);
}

/** Fails where the promise has not settled in time, naming what was waited for. */
export async function promptly<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${promptMs} ms`)), promptMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Fails at the first byte that differs. Faster than deep equality, which walks megabytes. */
export function expectSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.byteLength, "bytes in all").toBe(expected.byteLength);
  if (Buffer.compare(actual, expected) === 0) return;
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  expect.fail(`bytes differ from offset ${at} of ${expected.byteLength}`);
}

/** Fails where there is no such read; resolves to its bytes. */
export async function bytesOf(content: Content | undefined): Promise<Uint8Array> {
  if (content === undefined) return expect.fail("expected a read, got a miss");
  return content.bytes();
}

/** Fails where there is no such read; resolves to its bytes, iterated chunk by chunk. */
export async function streamOf(content: Content | undefined): Promise<Uint8Array> {
  if (content === undefined) return expect.fail("expected a read, got a miss");
  return Buffer.concat(await all(content.body));
}

/** Disposes a read unread, promptly; fails where there is no such read. */
export async function disposeOf(content: Content | undefined): Promise<void> {
  if (content === undefined) return expect.fail("expected a read, got a miss");
  await promptly("a dispose", Promise.resolve(content[Symbol.asyncDispose]()));
}

/** Collects a list that the test bounds itself. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
