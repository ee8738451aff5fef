import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fsBucket } from "@bitstore/bucket-fs";
import {
  type BlobStoreHarness,
  describeBlobSource,
  describeBlobStore,
} from "@bitstore/conformance";
import {
  type Bucket,
  bucketStore,
  flatLayout,
  type Layout,
  memoryBucket,
  readOnly,
  shardedLayout,
  verified,
} from "@bitstore/core";

// The suites of blobs pass over stores that are made of buckets, in memory and in a directory, in
// both layouts; and over the same stores read only, where everything else must be UNSUPPORTED.

function harness(
  openBucket: () => Promise<Bucket>,
  layout: Layout,
  more: Partial<BlobStoreHarness> = {},
): BlobStoreHarness {
  let first: Promise<Bucket> | undefined;
  return {
    open: async () => {
      const bucket = openBucket();
      first ??= bucket;
      return bucketStore(await bucket, layout);
    },
    reopen: async () => bucketStore(await (first ?? openBucket()), layout),
    dispose: () => Promise.resolve(),
    ...more,
  };
}

const inMemory = (): Promise<Bucket> => Promise.resolve(memoryBucket());

describeBlobStore("memory, sharded", harness(inMemory, shardedLayout("")));
describeBlobStore("memory, flat sha1", harness(inMemory, flatLayout("blobs/", "sha1")));

const roots: string[] = [];
const onDisk = async (): Promise<Bucket> => {
  const root = await mkdtemp(join(tmpdir(), "bitstore-store-"));
  roots.push(root);
  return await fsBucket({ root, fsync: false });
};
const removeRoots = async (): Promise<void> => {
  for (const root of roots) await rm(root, { recursive: true, force: true });
};
describeBlobStore(
  "directory, sharded",
  harness(onDisk, shardedLayout("blobs/"), { dispose: removeRoots }),
);

const plain = harness(inMemory, shardedLayout(""));
describeBlobStore("memory, verified", {
  ...plain,
  open: async () => verified(await plain.open()),
  reopen: async () => verified(await plain.reopen()),
});

const below = harness(inMemory, shardedLayout(""));
const seedBelow: NonNullable<BlobStoreHarness["seed"]> = async (blobs) => {
  const store = await below.reopen();
  for (const { bytes, digest } of blobs) await store.put(bytes, { digest });
};
describeBlobStore("memory, read only", {
  ...below,
  open: async () => readOnly(await below.open()),
  reopen: async () => readOnly(await below.reopen()),
  seed: seedBelow,
});

const source = harness(inMemory, shardedLayout(""));
describeBlobSource("memory", {
  ...source,
  seed: async (blobs) => {
    const store = await source.reopen();
    for (const { bytes, digest } of blobs) await store.put(bytes, { digest });
  },
});
