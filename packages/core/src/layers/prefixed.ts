import type { Bucket, ListOptions, ObjectInfo } from "../bucket.ts";

/**
 * Shows the part of a bucket below a prefix as a bucket of its own. The prefix is taken as it is:
 * end it with a slash for a folder.
 */
export function prefixed(inner: Bucket, prefix: string): Bucket {
  const strip = (info: ObjectInfo): ObjectInfo => ({ ...info, key: info.key.slice(prefix.length) });
  const place = (options: ListOptions = {}): ListOptions => ({
    ...options,
    startAfter: options.startAfter === undefined ? undefined : prefix + options.startAfter,
  });
  return {
    name: inner.name.endsWith("/") ? inner.name + prefix : `${inner.name}/${prefix}`,
    capabilities: {
      ...inner.capabilities,
      keyBytesMax: inner.capabilities.keyBytesMax - Buffer.byteLength(prefix),
    },
    service: inner.service,
    serviceTime: () => inner.serviceTime(),
    async head(key, options) {
      const info = await inner.head(own(prefix, key), options);
      return info === undefined ? undefined : strip(info);
    },
    read: (key, options) => inner.read(own(prefix, key), options),
    put: (key, body, options) => inner.put(own(prefix, key), body, options),
    delete: (key, options) => inner.delete(own(prefix, key), options),
    async *list(below, options) {
      for await (const info of inner.list(prefix + below, place(options))) yield strip(info);
    },
    async *listPrefixes(below, options) {
      for await (const found of inner.listPrefixes(prefix + below, place(options))) {
        yield found.slice(prefix.length);
      }
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** Leaves an empty key empty, so that the bucket refuses it rather than store the prefix itself. */
function own(prefix: string, key: string): string {
  return key === "" ? "" : prefix + key;
}
