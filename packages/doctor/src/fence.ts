import { type Bucket, StoreError } from "@bitstore/core";

/** A bucket that is written below one prefix only, and what has been written there. */
export interface Fence {
  readonly bucket: Bucket;
  /** Keys that were put and not deleted since. */
  readonly keys: ReadonlySet<string>;
  /** Puts that were not answered yet. */
  readonly pending: ReadonlySet<Promise<unknown>>;
}

/**
 * Lets writes through below one prefix only, or none at all: whatever a probe does, a bucket that is
 * somebody else's is not written.
 */
export function fenced(inner: Bucket, prefix: string | undefined): Fence {
  const keys = new Set<string>();
  const pending = new Set<Promise<unknown>>();
  const check = (operation: string, key: string): void => {
    if (prefix !== undefined && key.startsWith(prefix)) return;
    throw new StoreError({
      code: "UNSUPPORTED",
      operation,
      subject: key,
      source: inner.name,
      message: "the doctor may not write here",
    });
  };
  const bucket: Bucket = {
    name: inner.name,
    capabilities: inner.capabilities,
    service: inner.service,
    serviceTime: () => inner.serviceTime(),
    head: (key, call) => inner.head(key, call),
    read: (key, call) => inner.read(key, call),
    async put(key, body, call) {
      check("put", key);
      keys.add(key);
      const putting = inner.put(key, body, call);
      const settled = putting.then(
        () => undefined,
        () => undefined,
      );
      pending.add(settled);
      void settled.then(() => pending.delete(settled));
      return await putting;
    },
    async delete(key, call) {
      check("delete", key);
      const wasThere = await inner.delete(key, call);
      keys.delete(key);
      return wasThere;
    },
    list: (under, call) => inner.list(under, call),
    listPrefixes: (under, call) => inner.listPrefixes(under, call),
    // The bucket is its owner's to close.
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { bucket, keys, pending };
}
