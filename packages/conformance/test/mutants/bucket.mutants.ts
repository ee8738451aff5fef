import { posix } from "node:path";
import { type Bucket, collect, memoryBucket, openBody, StoreError } from "@bitstore/core";
import { describeBucket, faultyBucket } from "@bitstore/conformance";

// Buckets with one mistake each, all of them ones that real drivers have made. The test
// suite-catches.test.ts runs the suite over them and expects every one to fail it.

type Mutate = (inner: Bucket) => Partial<Bucket>;

const mutants: Readonly<Record<string, Mutate>> = {
  "ends long reads early and cleanly": (inner) => ({
    read: (key, options) =>
      faultyBucket(inner, () => ({ body: { atByte: 65_537, effect: "end" } })).read(key, options),
  }),
  "does not check a declared size": (inner) => ({
    put: (key, body, options) => inner.put(key, body, { ...options, size: undefined }),
  }),
  "takes a declared size of zero for none": (inner) => ({
    put: (key, body, options) =>
      inner.put(key, body, { ...options, size: options?.size || undefined }),
  }),
  "stores what came before a body threw": (inner) => ({
    put: async (key, body, options) => {
      const chunks: Uint8Array[] = [];
      let thrown: unknown;
      try {
        for await (const chunk of openBody(body)) chunks.push(chunk);
      } catch (error) {
        thrown = error;
      }
      const outcome = await inner.put(key, Buffer.concat(chunks), options);
      if (thrown !== undefined) throw thrown;
      return outcome;
    },
  }),
  "wraps a body's own error": (inner) => ({
    put: async (key, body, options) => {
      try {
        return await inner.put(key, body, options);
      } catch (cause) {
        if (cause instanceof StoreError) throw cause;
        throw new StoreError({ code: "INTERNAL", operation: "put", message: "failed", cause });
      }
    },
  }),
  "opens a body twice": (inner) => ({
    put: async (key, body, options) => {
      if (!(body instanceof Uint8Array)) await collect(body());
      return await inner.put(key, body, options);
    },
  }),
  "takes an empty chunk for the end": (inner) => ({
    put: (key, body, options) =>
      inner.put(
        key,
        async function* () {
          for await (const chunk of openBody(body)) {
            if (chunk.byteLength === 0) return;
            yield chunk;
          }
        },
        options,
      ),
  }),
  "checks and then creates, not at once": (inner) => ({
    put: async (key, body, options) => {
      if (options?.ifAbsent !== true) return await inner.put(key, body, options);
      if ((await inner.head(key)) !== undefined) return "existed";
      await inner.put(key, body, { ...options, ifAbsent: false });
      return "created";
    },
  }),
  "ignores ifVersion": (inner) => ({
    put: (key, body, options) => inner.put(key, body, { ...options, ifVersion: undefined }),
  }),
  "ignores ifVersion of a read": (inner) => ({
    read: (key, options) => inner.read(key, { ...options, ifVersion: undefined }),
  }),
  "has inclusive ranges": (inner) => ({
    read: (key, options) => {
      const range = options?.range;
      if (range?.end === undefined) return inner.read(key, options);
      return inner.read(key, { ...options, range: { start: range.start, end: range.end + 1 } });
    },
  }),
  "answers the whole for a range": (inner) => ({
    read: (key, options) =>
      faultyBucket(inner, () => ({ ignoreRange: "claims the range" })).read(key, options),
  }),
  "lists in the order of UTF-16": (inner) => ({
    list: async function* (prefix, options = {}) {
      const infos = [];
      for await (const info of inner.list(prefix, { ...options, limit: undefined }))
        infos.push(info);
      infos.sort((a, b) => (a.key < b.key ? -1 : 1));
      yield* infos.slice(0, options.limit);
    },
  }),
  "includes startAfter": (inner) => ({
    list: async function* (prefix, options = {}) {
      const { startAfter } = options;
      if (startAfter?.startsWith(prefix) === true) {
        const info = await inner.head(startAfter);
        if (info !== undefined) yield info;
      }
      yield* inner.list(prefix, options);
    },
  }),
  "lists one page only": (inner) => ({
    list: (prefix, options = {}) =>
      inner.list(prefix, { ...options, limit: Math.min(options.limit ?? 20, 20) }),
  }),
  "ignores the limit of a list": (inner) => ({
    list: (prefix, options = {}) => inner.list(prefix, { ...options, limit: undefined }),
  }),
  "lists prefixes of all levels": (inner) => ({
    listPrefixes: async function* (prefix, options = {}) {
      const seen = new Set<string>();
      for await (const { key } of inner.list(prefix, { signal: options.signal })) {
        const folder = key.slice(0, key.lastIndexOf("/") + 1);
        if (folder.length > prefix.length && !seen.has(folder)) {
          seen.add(folder);
          yield folder;
        }
      }
    },
  }),
  "answers every delete with true": (inner) => ({
    delete: async (key, options) => {
      await inner.delete(key, options);
      return true;
    },
  }),
  "resolves keys like paths": (inner) => withKeys(inner, (key) => posix.normalize(key)),
  "folds the case of keys": (inner) => withKeys(inner, (key) => key.toLowerCase()),
  "normalizes the Unicode of keys": (inner) => withKeys(inner, (key) => key.normalize("NFC")),
  "decodes percent signs in keys": (inner) => withKeys(inner, decoded),
  "throws NOT_FOUND for a miss": (inner) => ({
    read: async (key, options) => {
      const content = await inner.read(key, options);
      if (content !== undefined) return content;
      throw new StoreError({ code: "NOT_FOUND", operation: "read", message: "absent" });
    },
  }),
  "does not heed an abort": (inner) => ({
    read: (key, options) => inner.read(key, { ...options, signal: undefined }),
    head: (key) => inner.head(key),
  }),
  "remembers what head said": (inner) => {
    const known = new Map<string, ReturnType<Bucket["head"]>>();
    return {
      head: (key, options) => {
        const answer = known.get(key) ?? inner.head(key, options);
        known.set(key, answer);
        return answer;
      },
    };
  },
  "leaks reads that are not read": (inner) => {
    let open = 0;
    return {
      read: async (key, options) => {
        if (open >= 100)
          throw new StoreError({ code: "UNAVAILABLE", operation: "read", message: "" });
        const content = await inner.read(key, options);
        if (content === undefined) return undefined;
        open += 1;
        const bytes = await content.bytes();
        return {
          ...content,
          body: (async function* () {
            yield bytes;
            open -= 1;
          })(),
          bytes: () => {
            open -= 1;
            return Promise.resolve(bytes);
          },
        };
      },
    };
  },
  "never learns the service's time": () => ({ serviceTime: () => undefined }),
  "tells the time of the first answer for ever": (inner) => {
    let first: Date | undefined;
    return { serviceTime: () => (first ??= inner.serviceTime()) };
  },
  "can't delete, and does": (inner) => ({
    capabilities: { ...inner.capabilities, delete: false },
  }),
};

function withKeys(inner: Bucket, map: (key: string) => string): Partial<Bucket> {
  return {
    head: (key, options) => inner.head(map(key), options),
    read: (key, options) => inner.read(map(key), options),
    put: (key, body, options) => inner.put(map(key), body, options),
    delete: (key, options) => inner.delete(map(key), options),
  };
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

for (const [name, mutate] of Object.entries(mutants)) {
  const buckets: Bucket[] = [];
  const make = (inner: Bucket): Bucket => ({ ...inner, ...mutate(inner) });
  describeBucket(`mutant that ${name}`, {
    open: () => {
      const inner = memoryBucket();
      buckets.push(inner);
      return Promise.resolve(make(inner));
    },
    reopen: () => Promise.resolve(make(buckets[0] ?? memoryBucket())),
    dispose: () => Promise.resolve(),
    listPageSize: 20,
  });
}

const there = memoryBucket();
describeBucket("mutant that takes a missing bucket for an empty one", {
  open: () => Promise.resolve(there),
  reopen: () => Promise.resolve(there),
  openMissing: () => Promise.resolve(memoryBucket()),
  dispose: () => Promise.resolve(),
  listPageSize: 20,
});
