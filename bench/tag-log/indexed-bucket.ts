import { type Bucket, memoryBucket, type ObjectInfo } from "@bitstore/core";

/**
 * Makes a bucket in memory that lists from an index in the order of its keys, as object services do.
 * The plain one sorts all its keys for each list, which would be all that a measurement shows. The
 * index is made at the first list, and again after puts.
 */
export function indexedBucket(): Bucket {
  const inner = memoryBucket("indexed:");
  let index: readonly ObjectInfo[] | undefined;
  const indexed = async (): Promise<readonly ObjectInfo[]> => {
    if (index !== undefined) return index;
    const found: ObjectInfo[] = [];
    for await (const info of inner.list("")) found.push(info);
    index = found;
    return found;
  };
  return {
    ...inner,
    put: (key, body, options) => {
      index = undefined;
      return inner.put(key, body, options);
    },
    async *list(prefix, { limit = Number.POSITIVE_INFINITY, startAfter = "" } = {}) {
      const infos = await indexed();
      const from = startAfter > prefix ? startAfter : prefix;
      let low = 0;
      for (let high = infos.length; low < high; ) {
        const middle = (low + high) >> 1;
        if ((infos[middle]?.key ?? "") < from) low = middle + 1;
        else high = middle;
      }
      for (let left = limit; left > 0; low += 1) {
        const info = infos[low];
        if (info === undefined || !info.key.startsWith(prefix)) return;
        if (info.key === startAfter) continue;
        left -= 1;
        yield info;
      }
    },
  };
}
