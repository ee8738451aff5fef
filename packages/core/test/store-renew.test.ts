import {
  type BlobStore,
  type Body,
  type Bucket,
  bucketStore,
  digestOf,
  formatBytes,
  memoryBucket,
  shardedLayout,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";

const graceMs = 4 * 60 * 60_000;
const layout = shardedLayout("");
const small = new TextEncoder().encode("hello");
const large = new Uint8Array(2 ** 21).fill(7);
const unknown = (bytes: Uint8Array): Body =>
  async function* () {
    yield bytes.subarray(0, 2);
    yield bytes.subarray(2);
  };

interface Collected {
  readonly bucket: Bucket;
  readonly store: BlobStore;
  advance(ms: number): void;
}

/** Makes a store that may be collected; `between` runs before the first put under a version. */
async function collected(between: (bucket: Bucket) => Promise<unknown>): Promise<Collected> {
  let nowMs = Date.UTC(2026, 0, 1);
  const bucket = memoryBucket("memory:", () => new Date(nowMs));
  const gc = { metadata: "m", graceMs };
  const format = { layout: "sharded", minReader: 2, minWriter: 2, gc };
  await bucket.put("_bitstore.json", formatBytes(format));
  let isFirst = true;
  const racing: Bucket = {
    ...bucket,
    async put(key, body, options) {
      if (options?.ifVersion !== undefined && isFirst) {
        isFirst = false;
        await between(bucket);
      }
      return await bucket.put(key, body, options);
    },
  };
  return { bucket, store: bucketStore(racing, layout), advance: (ms) => void (nowMs += ms) };
}

const nothing = (): Promise<void> => Promise.resolve();

// A put says that the blob is there to stay for a grace, so one that is found there is written again
// when it is older than half of that: by each of the ways in which a put finds it.
describe.each([
  ["a small one", small, small],
  ["a large one, asked for first", large, large],
  ["a stream", small, unknown(small)],
])("the renewal of %s", (_, bytes, body) => {
  test("comes after half a grace, and not before", async () => {
    const { bucket, store, advance } = await collected(nothing);
    const digest = await digestOf(bytes, "sha256");
    const key = layout.key(digest);
    await store.put(body, { digest });
    const first = await bucket.head(key);
    advance(graceMs / 2 - 1);
    expect(await store.put(body, { digest })).toMatchObject({ outcome: "existed" });
    expect(await bucket.head(key)).toEqual(first);
    advance(1);
    expect(await store.put(body, { digest })).toMatchObject({ outcome: "existed" });
    const second = await bucket.head(key);
    expect(second?.modifiedAt?.getTime()).toBe((first?.modifiedAt?.getTime() ?? 0) + graceMs / 2);
    expect(await (await bucket.read(key))?.bytes()).toEqual(bytes);
  });

  test("is settled where a collector took the blob meanwhile", async () => {
    const digest = await digestOf(bytes, "sha256");
    const key = layout.key(digest);
    const { bucket, store, advance } = await collected((inner) => inner.delete(key));
    await store.put(body, { digest });
    advance(graceMs);
    expect(await store.put(body, { digest })).toMatchObject({ outcome: "created" });
    expect(await (await bucket.read(key))?.bytes()).toEqual(bytes);
  });

  test("is settled where another put renewed it meanwhile", async () => {
    const digest = await digestOf(bytes, "sha256");
    const key = layout.key(digest);
    const { bucket, store, advance } = await collected((inner) => inner.put(key, bytes));
    await store.put(body, { digest });
    advance(graceMs);
    expect(await store.put(body, { digest })).toMatchObject({ outcome: "existed" });
    expect(await (await bucket.read(key))?.bytes()).toEqual(bytes);
  });
});

test("a blob whose age nobody can tell is renewed", async () => {
  const { bucket } = await collected(nothing);
  const versions = new Set<string | undefined>();
  const timeless: Bucket = { ...bucket, serviceTime: () => undefined };
  const store = bucketStore(timeless, layout);
  for (let round = 0; round < 3; round += 1) {
    const { digest } = await store.put(small);
    versions.add((await bucket.head(layout.key(digest)))?.version);
  }
  expect(versions.size).toBe(3);
});

test("nothing is renewed where nothing is collected", async () => {
  let nowMs = 0;
  const bucket = memoryBucket("memory:", () => new Date(nowMs));
  const store = bucketStore(bucket, layout);
  const { digest } = await store.put(small);
  const first = await bucket.head(layout.key(digest));
  nowMs = 1e12;
  await store.put(small);
  expect(await bucket.head(layout.key(digest))).toEqual(first);
});

// A wrong body must not get in by the way of a renewal.
test("a renewal is of verified bytes", async () => {
  const { bucket, store, advance } = await collected(nothing);
  const { digest } = await store.put(small);
  advance(graceMs);
  const wrong = new TextEncoder().encode("hallo");
  for (const body of [wrong, unknown(wrong)]) {
    await expect(store.put(body, { digest })).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  }
  expect(await (await bucket.read(layout.key(digest)))?.bytes()).toEqual(small);
});
