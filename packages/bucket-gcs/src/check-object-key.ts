import { checkKey, StoreError } from "@bitstore/core";

/**
 * Refuses what no bucket takes, and `.` and `..`, which this service refuses, because a URL would
 * resolve them away (https://cloud.google.com/storage/docs/objects#naming).
 */
export function checkObjectKey(
  key: string,
  keyBytesMax: number,
  operation: string,
  source: string,
): void {
  checkKey(key, keyBytesMax, operation, source);
  if (key === "." || key === "..") throw invalidKey(operation, source, "the key is a dot or two");
}

/** Refuses a prefix, and a key to start after, that can't be written into a URL. */
export function checkPrefix(
  prefix: string,
  startAfter: string | undefined,
  operation: string,
  source: string,
): void {
  if (prefix.isWellFormed() && (startAfter ?? "").isWellFormed()) return;
  throw invalidKey(operation, source, "the prefix or startAfter has an unpaired surrogate");
}

function invalidKey(operation: string, source: string, message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", operation, source, message });
}
