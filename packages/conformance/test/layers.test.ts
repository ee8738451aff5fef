import { type BlobStoreHarness, describeBlobStore, describeBucket } from "@bitstore/conformance";
import {
  type Bucket,
  type BlobStore,
  bucketStore,
  composite,
  defineTier,
  flatLayout,
  limited,
  memoryBucket,
  memoryCache,
  observed,
  prefixed,
  shardedLayout,
  withBreaker,
  withHedge,
  withRetry,
  withTimeout,
} from "@bitstore/core";

// Every layer and composite is a store like the one inside it, so the same suites pass over all of
// them: layers over a bucket in memory, and composites of three memories in several layouts.

type Namespace = readonly [Bucket, Bucket, Bucket];

function harness(
  make: (namespace: Namespace) => BlobStore,
  more: Partial<BlobStoreHarness> = {},
): BlobStoreHarness {
  const namespaces: Namespace[] = [];
  return {
    open: () => {
      const namespace: Namespace = [
        memoryBucket("memory:a"),
        memoryBucket("memory:b"),
        memoryBucket("memory:c"),
      ];
      namespaces.push(namespace);
      return Promise.resolve(make(namespace));
    },
    reopen: () => {
      const [first] = namespaces;
      if (first === undefined) throw new Error("open comes first");
      return Promise.resolve(make(first));
    },
    dispose: () => Promise.resolve(),
    ...more,
  };
}

const plain = ([bucket]: Namespace): BlobStore => bucketStore(bucket, shardedLayout(""));

describeBlobStore(
  "limited",
  harness((namespace) => limited(plain(namespace), { concurrencyMax: 8 })),
);
describeBlobStore(
  "limited, adaptive",
  harness((namespace) => limited(plain(namespace), { concurrencyMax: 8, adaptive: true })),
);
describeBlobStore(
  "withBreaker",
  harness((namespace) => withBreaker(plain(namespace))),
);
describeBlobStore(
  "withHedge",
  harness((namespace) => withHedge(plain(namespace))),
);
describeBlobStore(
  "observed",
  harness((namespace) => observed(plain(namespace), () => undefined)),
);
describeBlobStore(
  "withRetry",
  harness((namespace) => withRetry(plain(namespace))),
);
describeBlobStore(
  "withTimeout",
  harness((namespace) => withTimeout(plain(namespace))),
);

describeBlobStore(
  "composite of three memories",
  harness(([a, b, c]) =>
    composite({
      tiers: [
        defineTier({ name: "cache", source: bucketStore(a, shardedLayout("")), role: "cache" }),
        defineTier({ name: "other", source: bucketStore(b, flatLayout("x/", "sha1")) }),
        defineTier({ name: "origin", source: bucketStore(c, shardedLayout("y/")), origin: true }),
      ],
    }),
  ),
);

describeBlobStore(
  "composite in a composite",
  harness(
    ([a, b, c]) =>
      composite({
        tiers: [
          defineTier({ name: "memory", source: memoryCache({ bytesMax: 2 ** 20 }), role: "cache" }),
          defineTier({
            name: "inner",
            origin: true,
            source: composite({
              tiers: [
                defineTier({
                  name: "cache",
                  source: bucketStore(a, shardedLayout("")),
                  role: "cache",
                }),
                defineTier({ name: "other", source: bucketStore(b, shardedLayout("")) }),
                defineTier({
                  name: "origin",
                  source: bucketStore(c, shardedLayout("")),
                  origin: true,
                }),
              ],
            }),
          }),
        ],
      }),
    { hasCopies: true },
  ),
);

const caches: BlobStore[] = [];
describeBlobStore("memoryCache", {
  open: () => {
    const cache = memoryCache({ bytesMax: 2 ** 30 });
    caches.push(cache);
    return Promise.resolve(cache);
  },
  reopen: () => Promise.resolve(caches[0] ?? memoryCache({ bytesMax: 2 ** 30 })),
  dispose: () => Promise.resolve(),
});

const buckets: Bucket[] = [];
describeBucket("prefixed", {
  open: () => {
    const bucket = memoryBucket();
    buckets.push(bucket);
    return Promise.resolve(prefixed(bucket, "some/prefix-"));
  },
  reopen: () => Promise.resolve(prefixed(buckets[0] ?? memoryBucket(), "some/prefix-")),
  dispose: () => Promise.resolve(),
  listPageSize: 20,
});
