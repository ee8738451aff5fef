import { type Bucket, bucketStore, formatBytes, memoryBucket, shardedLayout } from "@bitstore/core";
import { describeBlobStore } from "@bitstore/conformance";

// A store that may be collected passes the same suite as any other.
const layout = shardedLayout("");
let first: Promise<Bucket> | undefined;

async function open(): Promise<Bucket> {
  const bucket = memoryBucket();
  const gc = { metadata: "m", graceMs: 3_600_000 };
  const format = { layout: "sharded", minReader: 2, minWriter: 2, gc };
  await bucket.put("_bitstore.json", formatBytes(format));
  return bucket;
}

describeBlobStore("a store that is collected", {
  open: async () => {
    const bucket = open();
    first ??= bucket;
    return bucketStore(await bucket, layout);
  },
  reopen: async () => bucketStore(await (first ?? open()), layout),
  dispose: () => Promise.resolve(),
});
