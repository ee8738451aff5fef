import { StoreError } from "./errors.ts";
import type { PutOptions } from "./bucket.ts";

const utf8 = new TextEncoder();

/**
 * Refuses keys that no service takes: empty, too long, with a NUL or another control character, or
 * not well-formed Unicode. Drivers call it first, so that all of them refuse the same.
 */
export function checkKey(
  key: string,
  keyBytesMax: number,
  operation: string,
  source: string,
): void {
  const problem = keyProblem(key, keyBytesMax);
  if (problem === undefined) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation,
    subject: `key ${JSON.stringify(key.slice(0, 80))}`,
    source,
    message: problem,
  });
}

function keyProblem(key: string, keyBytesMax: number): string | undefined {
  if (key === "") return "the key is empty";
  if (!key.isWellFormed()) return "the key has an unpaired surrogate";
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(key)) return "the key has a control character";
  if (key.length * 3 > keyBytesMax && utf8.encode(key).byteLength > keyBytesMax) {
    return `the key is longer than ${keyBytesMax} bytes`;
  }
  return undefined;
}

/** Refuses conditions that contradict each other, and sizes that are no sizes. */
export function checkPutOptions(options: PutOptions, key: string, source: string): void {
  const refuse = (message: string): StoreError =>
    new StoreError({ code: "INVALID_ARGUMENT", operation: "put", subject: key, source, message });
  if (options.ifAbsent === true && options.ifVersion !== undefined) {
    throw refuse("ifAbsent and ifVersion exclude each other");
  }
  if (options.size !== undefined && !(Number.isSafeInteger(options.size) && options.size >= 0)) {
    throw refuse(`size ${options.size} is no number of bytes`);
  }
}

/** Refuses a body whose length is not the size that was declared; zero is a size like any other. */
export function checkSize(
  actual: number,
  declared: number | undefined,
  key: string,
  source: string,
): void {
  if (declared === undefined || actual === declared) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "put",
    subject: key,
    source,
    message: `the body has ${actual} bytes where ${declared} were declared`,
  });
}
