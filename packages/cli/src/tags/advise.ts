import { currentEntry, isLive, isStoreError, retryOf, type StoreError } from "@bitstore/core";
import { createUnprovedCode } from "@bitstore/tags";

/**
 * Puts the way out into the errors of a write to a tag: the entry that was in the way, the flags that
 * an unsettled write is to be tried again with. All else is returned as it is.
 */
export function advised(error: unknown): unknown {
  if (!isStoreError(error)) return error;
  const hint = hintFor(error);
  return hint === undefined ? error : Object.assign(error, { hint });
}

function hintFor(error: StoreError): string | undefined {
  if (error.code === "PRECONDITION_FAILED") {
    const current = currentEntry(error);
    if (current === undefined) return "--expect absent is for a tag that was never set";
    const { seq, actor, time, reason, tag } = current;
    const did = isLive(current) ? "set" : "deleted";
    const why = reason === undefined ? "" : ` (${reason})`;
    return (
      `${did} by ${actor} at ${time}${why}; look at bitstore tag log ${tag}, ` +
      `then decide anew with --expect ${seq}`
    );
  }
  const retry = retryOf(error);
  if (retry !== undefined) {
    return (
      `run the same command again with --nonce ${retry.nonce} --base ${retry.base}: ` +
      "it is not written twice then"
    );
  }
  if (error.code === "NOT_FOUND" && error.operation === "set") {
    return "--force tags a blob that is yet to come";
  }
  // The log's own words name the option of its programming interface.
  if (error.serviceCode === createUnprovedCode) {
    return (
      "bitstore doctor shows what the bucket can do; --unsafe-single-writer writes all the same, " +
      "and entries are lost as soon as two processes write"
    );
  }
  return undefined;
}
