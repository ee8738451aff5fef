import { isStoreError, type StoreError } from "@bitstore/core";
import { toStoreError } from "../frame/system-error.ts";
import { type BlobArguments, namesTag } from "../input/blob-argument.ts";
import { resolveAhead } from "../input/resolve-ahead.ts";

/** IDs in which tags stand by the digests that they name. */
export interface ResolvedIds {
  readonly ids: AsyncIterable<string>;
  /** Says why a tag names nothing; such a one stands as it was written. */
  problemOf(id: string): StoreError | undefined;
}

/** Tags that name nothing of which it is remembered why. */
const problemsMax = 10_000;

/**
 * Looks up the tags among the IDs of a fetch. What is wrong with one tag is no reason to end the
 * others; it rejects where there is no metadata, and where the signal aborts.
 */
export function resolveIds(
  ids: AsyncIterable<string>,
  blobs: BlobArguments,
  signal: AbortSignal,
): ResolvedIds {
  const problems = new Map<string, StoreError>();
  const lookUp = async (tag: string): Promise<string> => {
    try {
      return (await blobs.resolve(tag)).digest;
    } catch (error) {
      if (signal.aborted || isStoreError(error, "CONFIG_INVALID")) throw error;
      problems.set(tag, toStoreError(error, "resolve", tag));
      const [oldest] = problems.keys();
      if (problems.size > problemsMax && oldest !== undefined) problems.delete(oldest);
      return tag;
    }
  };
  return {
    ids: resolveAhead(ids, (id) => (namesTag(id) ? lookUp(id) : id)),
    problemOf: (id) => problems.get(id),
  };
}
