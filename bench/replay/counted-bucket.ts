import type { Bucket } from "@bitstore/core";

/** Requests that a bucket got, by what they ask. */
export interface BucketCounts {
  head: number;
  read: number;
  put: number;
  delete: number;
}

/** A bucket that counts what it is asked, and answers a little later. */
export function countedBucket(
  inner: Bucket,
  wait: () => Promise<void>,
): { readonly bucket: Bucket; readonly counts: BucketCounts } {
  const counts: BucketCounts = { head: 0, read: 0, put: 0, delete: 0 };
  const bucket: Bucket = {
    ...inner,
    async head(key, call) {
      counts.head += 1;
      await wait();
      return await inner.head(key, call);
    },
    async read(key, call) {
      counts.read += 1;
      await wait();
      return await inner.read(key, call);
    },
    async put(key, body, call) {
      counts.put += 1;
      await wait();
      return await inner.put(key, body, call);
    },
    async delete(key, call) {
      counts.delete += 1;
      await wait();
      return await inner.delete(key, call);
    },
  };
  return { bucket, counts };
}
