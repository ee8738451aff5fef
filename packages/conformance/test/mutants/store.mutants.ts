import {
  type BlobStore,
  bucketStore,
  type Descriptor,
  type Digest,
  flatLayout,
  memoryBucket,
  openBody,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import { describeBlobStore, faultyStore } from "@bitstore/conformance";

// Stores with one mistake each. suite-catches.test.ts expects every one to fail the suite.

type Mutate = (inner: BlobStore) => Partial<BlobStore>;

/** Remembers digests per namespace, as a layer of caches would. */
function remembered<T>(): Map<Digest, T> {
  return new Map<Digest, T>();
}

const mutants: Readonly<Record<string, Mutate>> = {
  "loses the last byte of long reads": (inner) => ({
    open: (digest, options) =>
      faultyStore(inner, () => ({ body: { atByte: 4 * 2 ** 20, effect: "end" } })).open(
        digest,
        options,
      ),
  }),
  "takes the empty blob for a miss": (inner) => ({
    open: async (digest, options) => {
      const content = await inner.open(digest, options);
      return content?.size ? content : undefined;
    },
  }),
  "says that absent blobs have no bytes": (inner) => ({
    stat: async (digest, options) => (await inner.stat(digest, options)) ?? { digest, size: 0 },
  }),
  "remembers misses for ever": (inner) => {
    const misses = remembered<true>();
    return {
      open: async (digest, options) => {
        if (misses.has(digest)) return undefined;
        const content = await inner.open(digest, options);
        if (content === undefined) misses.set(digest, true);
        return content;
      },
    };
  },
  "remembers blobs that were deleted": (inner) => {
    const known = remembered<Descriptor>();
    return {
      stat: async (digest, options) => {
        const found = known.get(digest) ?? (await inner.stat(digest, options));
        if (found !== undefined) known.set(digest, found);
        return found;
      },
    };
  },
  "answers the whole for a range": (inner) => ({
    open: (digest, options) =>
      faultyStore(inner, () => ({ ignoreRange: "claims the range" })).open(digest, options),
  }),
  "believes the digest that a put names": (inner) => ({
    put: async (body, options = {}) => {
      const { digest, ...rest } = options;
      const put = await inner.put(body, rest);
      return digest === undefined ? put : { ...put, digest };
    },
  }),
  "stores before it has verified": (inner) => ({
    put: async (body, options = {}) => {
      const { digest } = options;
      const put = await inner.put(body, { signal: options.signal, size: options.size });
      if (digest === undefined || put.digest === digest) return put;
      throw new StoreError({ code: "DIGEST_MISMATCH", operation: "put", message: "other bytes" });
    },
  }),
  "answers every put with created": (inner) => ({
    put: async (body, options) => ({ ...(await inner.put(body, options)), outcome: "created" }),
  }),
  "rewrites what exists": (inner) => ({
    put: async (body, options = {}) => {
      if (options.digest === undefined) return await inner.put(body, options);
      const existed = await inner.stat(options.digest);
      const put = await inner.put(body, options);
      if (existed === undefined) return put;
      await inner.delete(options.digest);
      await inner.put(body, options);
      return put;
    },
  }),
  "swallows a body's own error": (inner) => ({
    put: (body, options) =>
      inner.put(async function* () {
        try {
          yield* openBody(body);
        } catch {
          // As if the body had ended.
        }
      }, options),
  }),
  "deletes nothing": (inner) => ({
    delete: async (digest) => (await inner.stat(digest)) !== undefined,
  }),
  "answers every delete with true": (inner) => ({
    delete: async (digest, options) => {
      await inner.delete(digest, options);
      return true;
    },
  }),
  "lists in its own order": (inner) => ({
    list: async function* (options) {
      const found: Descriptor[] = [];
      for await (const descriptor of inner.list(options)) found.push(descriptor);
      yield* found.toReversed();
    },
  }),
  "includes startAfter": (inner) => ({
    list: async function* (options = {}) {
      const { startAfter } = options;
      const first = startAfter === undefined ? undefined : await inner.stat(startAfter);
      if (first !== undefined) yield first;
      yield* inner.list(options);
    },
  }),
  "does not heed an abort": (inner) => ({
    open: (digest, options) => inner.open(digest, { ...options, signal: undefined }),
  }),
  "can't list, and does": (inner) => ({
    capabilities: { ...inner.capabilities, list: false },
  }),
};

for (const [name, mutate] of Object.entries(mutants)) {
  const stores: BlobStore[] = [];
  const make = (): BlobStore => {
    const inner = bucketStore(memoryBucket(), shardedLayout(""));
    const store = { ...inner, ...mutate(inner) };
    stores.push(store);
    return store;
  };
  describeBlobStore(`mutant that ${name}`, {
    open: () => Promise.resolve(make()),
    reopen: () => Promise.resolve(stores[0] ?? make()),
    dispose: () => Promise.resolve(),
  });
}

// Asks for what it can't hold: only a count of requests shows it.
const asked = { requests: 0 };
const flat = bucketStore(memoryBucket(), flatLayout("", "sha1"));
describeBlobStore("mutant that asks for algorithms it can't hold", {
  open: () =>
    Promise.resolve({
      ...flat,
      stat: (digest, options) => {
        asked.requests += 1;
        return flat.stat(digest, options);
      },
    }),
  reopen: () => Promise.resolve(flat),
  requests: () => asked.requests,
  dispose: () => Promise.resolve(),
});
