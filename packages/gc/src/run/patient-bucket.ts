import { type Bucket, type Clock, collect, type Content, contentOfBytes } from "@bitstore/core";
import { type Patience, patienceOf } from "./patience.ts";
import { steadyList } from "./steady-list.ts";

/** Bytes of the largest object that is read: leases are the largest of what marking reads by it. */
const readBytesMax = 2 ** 20;

/**
 * Bears what fails for a while in the reads and lists of a bucket, so that one answer of 503 does not
 * end a run of hours. For small objects: what is read comes whole, and is tried again whole.
 */
export function patientBucket(bucket: Bucket, clock: Clock, random: () => number): Bucket {
  const patience = (signal: AbortSignal | undefined): Patience => patienceOf(clock, random, signal);
  return {
    ...bucket,
    head: (key, options = {}) =>
      patience(options.signal).retried((signal) => bucket.head(key, { ...options, signal })),
    read: (key, options = {}) =>
      patience(options.signal).retried(async (signal): Promise<Content | undefined> => {
        const content = await bucket.read(key, { ...options, signal });
        if (content === undefined) return undefined;
        return contentOfBytes(content, await collect(content.body, readBytesMax));
      }),
    // Whether it was there may be told wrongly once an answer was lost.
    delete: (key, options = {}) =>
      patience(options.signal).retried((signal) => bucket.delete(key, { ...options, signal })),
    list: (prefix, options = {}) =>
      steadyList(
        (after) => bucket.list(prefix, { ...options, ...after }),
        ({ key }) => key,
        patience(options.signal),
        options.startAfter,
      ),
    listPrefixes: (prefix, options = {}) =>
      steadyList(
        (after) => bucket.listPrefixes(prefix, { ...options, ...after }),
        (found) => found,
        patience(options.signal),
        options.startAfter,
      ),
  };
}
