import { isStoreError } from "./errors.ts";

/**
 * The `serviceCode` of an UNAVAILABLE bucket that is not there yet, was never seen, and that its first
 * put makes: a directory. Nothing can be said of what is in it, but it may be put into.
 */
export const notMadeCode = "NotMade";

/** Tells whether a bucket did not answer since its first put has yet to make it. */
export function isNotMade(error: unknown): boolean {
  return isStoreError(error, "UNAVAILABLE") && error.serviceCode === notMadeCode;
}
