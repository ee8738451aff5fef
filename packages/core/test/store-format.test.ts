import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Bucket,
  bucketStore,
  type Clock,
  digestOf,
  formatBytes,
  isStoreError,
  memoryBucket,
  readStoreFormat,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";

const layout = shardedLayout("");
const bytes = new TextEncoder().encode("hello");

const fixture = (version: number): Promise<Uint8Array> =>
  readFile(join(import.meta.dirname, "fixtures", `store-v${version}`, "_bitstore.json"));

async function bucketOf(format: Uint8Array | undefined): Promise<Bucket> {
  const bucket = memoryBucket();
  if (format !== undefined) await bucket.put("_bitstore.json", format);
  return bucket;
}

/** Counts the requests that reach a bucket, by operation and what they are about. */
function counted(inner: Bucket): { readonly bucket: Bucket; readonly calls: string[] } {
  const calls: string[] = [];
  const what = (key: string): string =>
    key === "_bitstore.json" ? "format" : key.startsWith("trash/") ? "trash" : "blob";
  const bucket: Bucket = {
    ...inner,
    head: (key, options) => {
      calls.push(`head ${what(key)}`);
      return inner.head(key, options);
    },
    read: (key, options) => {
      calls.push(`read ${what(key)}`);
      return inner.read(key, options);
    },
    put: (key, body, options) => {
      calls.push(`put ${what(key)}`);
      return inner.put(key, body, options);
    },
    delete: (key, options) => {
      calls.push(`delete ${what(key)}`);
      return inner.delete(key, options);
    },
    list: (prefix, options) => {
      calls.push(`list ${what(prefix)}`);
      return inner.list(prefix, options);
    },
  };
  return { bucket, calls };
}

/** How the release of format 1 looked at the object: what a reader of it does with a later one. */
function readerOfFormat1(text: Uint8Array): "reads" | "refuses" {
  const { minReader } = JSON.parse(new TextDecoder().decode(text)) as { minReader: number };
  return minReader > 1 ? "refuses" : "reads";
}

describe("the format of a store", () => {
  // What each release wrote is kept as a fixture: this one reads them all, and what it writes where
  // nothing is collected is byte for byte what the first one wrote.
  test("is read and written as each release did", async () => {
    const [first, second] = [await fixture(1), await fixture(2)];
    for (const format of [first, second]) {
      const bucket = await bucketOf(format);
      const store = bucketStore(bucket, layout);
      const { digest } = await store.put(bytes);
      expect(await (await store.open(digest))?.bytes()).toEqual(bytes);
      const found = await readStoreFormat(bucket, "");
      expect(formatBytes(found?.format ?? { layout: "", minReader: 0, minWriter: 0 })).toEqual(
        new Uint8Array(format),
      );
    }
    const fresh = await bucketOf(undefined);
    await bucketStore(fresh, layout).put(bytes);
    expect(await (await fresh.read("_bitstore.json"))?.bytes()).toEqual(new Uint8Array(first));
    expect([readerOfFormat1(first), readerOfFormat1(second)]).toEqual(["reads", "refuses"]);
  });

  test.each([
    ['{"layout":"sharded","minReader":3,"minWriter":3,"gc":7}', "format 3 is newer"],
    ['{"layout":"sharded","minReader":2,"minWriter":2}', "without metadata or graceMs"],
    ['{"layout":"sharded","minReader":2,"minWriter":2,"gc":{"metadata":"m"}}', "graceMs"],
    ['{"layout":"sharded","minReader":2,"minWriter":2,"gc":{"metadata":"","graceMs":1}}', "gc"],
    [
      '{"layout":"sharded","minReader":2,"minWriter":2,"gc":{"metadata":"m","metadataPlace":7,"graceMs":1}}',
      "gc",
    ],
    ["[]", "lacks layout"],
    ["{", "no JSON"],
  ])("is refused where it says %s", async (text, message) => {
    const store = bucketStore(await bucketOf(new TextEncoder().encode(text)), layout);
    const stat = store.stat(await digestOf(bytes, "sha256"));
    const refused = await stat.catch((error: unknown) => error);
    expect(isStoreError(refused, "UNSUPPORTED")).toBe(true);
    expect(String(refused)).toContain(message);
    await expect(store.put(bytes)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  // A process that began before gc was enabled learns of it a minute later at most, by the next call;
  // until then, and where nothing is collected, it asks no more than before.
  test("is looked at once a minute, and costs nothing else", async () => {
    let nowMs = 0;
    const clock: Clock = { now: () => nowMs, after: () => () => undefined };
    const { bucket, calls } = counted(await bucketOf(await fixture(1)));
    const store = bucketStore(bucket, layout, { clock });
    await store.put(bytes);
    const absent = await digestOf(new Uint8Array(1), "sha256");
    await store.put(bytes);
    await store.stat(absent);
    await store.open(absent);
    await store.delete(absent);
    expect(calls.filter((call) => call.includes("format"))).toEqual(["read format"]);
    expect(calls.filter((call) => !call.includes("format"))).toEqual([
      "put blob",
      "put blob",
      "head blob",
      "read blob",
      "head blob",
      "read blob",
      "delete blob",
    ]);
    await bucket.put("_bitstore.json", await fixture(2));
    calls.length = 0;
    nowMs = 59_999;
    await store.stat(absent);
    expect(calls).toEqual(["head blob"]);
    calls.length = 0;
    nowMs = 60_000;
    await Promise.all([store.stat(absent), store.stat(absent)]);
    expect(calls.filter((call) => call.includes("format"))).toEqual(["read format"]);
    calls.length = 0;
    await store.stat(absent);
    expect(calls).toEqual(["head blob", "list trash", "head blob"]);
  });

  // What can't be read again is gone by for five minutes, and no longer: a collector waits for ten.
  test("is gone by for a while where it can't be read again", async () => {
    let nowMs = 0;
    let isDown = false;
    const bucket = await bucketOf(await fixture(1));
    const clock: Clock = { now: () => nowMs, after: () => () => undefined };
    const store = bucketStore({ ...bucket, read: outage(bucket, () => isDown) }, layout, { clock });
    const { digest } = await store.put(bytes);
    isDown = true;
    nowMs = 5 * 60_000;
    expect(await store.stat(digest)).toBeDefined();
    nowMs += 1;
    await expect(store.stat(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

function outage(inner: Bucket, isDown: () => boolean): Bucket["read"] {
  return async (key, options) => {
    if (!isDown()) return await inner.read(key, options);
    throw new StoreError({ code: "UNAVAILABLE", operation: "read", message: "out of order" });
  };
}
