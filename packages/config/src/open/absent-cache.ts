import { algorithms, type BlobStore, type StoreError } from "@bitstore/core";

/**
 * Stands for a disk cache that can't be opened: whatever is asked of it fails as the opening did, so
 * the tiers behind it are asked and nothing is copied. It stays so until the store is opened anew.
 */
export function absentCache(name: string, error: StoreError): BlobStore {
  const fail = (): Promise<never> => Promise.reject(error);
  return {
    name,
    capabilities: { algorithms, stat: true, rangeRead: true, put: true, delete: true, list: true },
    stat: fail,
    open: fail,
    put: fail,
    delete: fail,
    list: () => ({ [Symbol.asyncIterator]: () => ({ next: fail }) }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
