import {
  type BlobStore,
  type Bucket,
  bucketStore,
  type Digest,
  digestOf,
  flatLayout,
  formatBytes,
  type Layout,
  memoryBucket,
  parseTrashKey,
  shardedLayout,
  StoreError,
  trashPrefixOf,
} from "@bitstore/core";
import { beforeEach, describe, expect, test } from "vitest";

const graceMs = 4 * 60 * 60_000;
const bytes = new TextEncoder().encode("hello");
const digest = await digestOf(bytes, "sha256");
const layout = shardedLayout("p/");

let nowMs = 0;
let bucket: Bucket;

/** Makes a bucket whose store may be collected, with a service's clock of its own. */
async function collected(of: Layout = layout): Promise<Bucket> {
  nowMs = Date.UTC(2026, 0, 1);
  const made = memoryBucket("memory:", () => new Date(nowMs));
  const gc = { metadata: "m", graceMs };
  const format = { layout: of.name, minReader: 2, minWriter: 2, gc };
  await made.put(`${of.root}_bitstore.json`, formatBytes(format));
  return made;
}

/** Puts a copy into the trash, as a collector does, and nothing else. */
const trashed = (run: string, body: Uint8Array = bytes): Promise<unknown> =>
  bucket.put(trashPrefixOf(layout, digest) + run, body);

async function keys(of: Bucket): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of of.list("")) found.push(key);
  return found.filter((key) => !key.endsWith("_bitstore.json"));
}

const read = async (store: BlobStore): Promise<Uint8Array | undefined> =>
  await (await store.open(digest))?.bytes();

beforeEach(async () => {
  bucket = await collected();
});

describe("the trash of a store", () => {
  // A blob that was swept is read as ever, and is in its place again afterwards, whoever asked first.
  test.each(["open", "stat"] as const)(
    "is looked at last by %s, which brings back",
    async (verb) => {
      await trashed("run-1");
      const store = bucketStore(bucket, layout);
      if (verb === "stat") expect(await store.stat(digest)).toEqual({ digest, size: 5 });
      else expect(await read(store)).toEqual(bytes);
      expect(await (await bucket.read(layout.key(digest)))?.bytes()).toEqual(bytes);
      expect(await store.stat(await digestOf(new Uint8Array(1), "sha256"))).toBeUndefined();
      const part = await store.open(digest, { range: { start: 1, end: 3 } });
      expect(Buffer.from((await part?.bytes()) ?? []).toString()).toBe("el");
    },
  );

  // The newest copy may be wrong: then an older one serves, and wrong bytes are never brought back.
  test("brings back the right bytes only", async () => {
    await trashed("run-1");
    await trashed("run-2", new TextEncoder().encode("hallo"));
    expect(await read(bucketStore(bucket, layout))).toEqual(bytes);
    bucket = await collected();
    await trashed("run-2", new TextEncoder().encode("hallo"));
    const store = bucketStore(bucket, layout);
    await expect(store.stat(digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(await bucket.head(layout.key(digest))).toBeUndefined();
  });

  // A store that must not be written, or whose credentials may not, is served from the trash itself.
  // A stat there counts only as long as a tag that follows it is heeded before the copy is purged.
  test.each(["restores: false", "PERMISSION_DENIED"])("serves itself by %s", async (why) => {
    await trashed("run-1");
    const denied: Bucket = {
      ...bucket,
      put: (subject) =>
        Promise.reject(
          new StoreError({ code: "PERMISSION_DENIED", operation: "put", subject, message: "no" }),
        ),
    };
    const store =
      why === "PERMISSION_DENIED"
        ? bucketStore(denied, layout)
        : bucketStore(bucket, layout, { restores: false });
    expect(await read(store)).toEqual(bytes);
    expect(await store.stat(digest)).toEqual({ digest, size: 5 });
    nowMs += 1.75 * graceMs - 1;
    expect(await store.stat(digest)).toBeDefined();
    nowMs += 1;
    expect(await store.stat(digest)).toBeUndefined();
    expect(await read(store)).toEqual(bytes);
    expect(await keys(bucket)).toEqual([`${trashPrefixOf(layout, digest)}run-1`]);
  });

  // Another reader may bring a blob back, and a collector drop the copy, between two looks of a read.
  test("is followed by one more look at the blob's place", async () => {
    const racing: Bucket = {
      ...bucket,
      async *list(prefix, options) {
        await bucket.put(layout.key(digest), bytes);
        yield* bucket.list(prefix, options);
      },
    };
    expect(await read(bucketStore(racing, layout))).toEqual(bytes);
  });

  // A miss must not be taken for an answer where the trash could not be looked at.
  test("has to be listed", async () => {
    const unlisted: Bucket = {
      ...bucket,
      async *list() {
        yield* [];
        const serviceCode = "AccessDenied";
        throw new StoreError({
          code: "PERMISSION_DENIED",
          operation: "list",
          message: "no",
          serviceCode,
        });
      },
    };
    const refused = await bucketStore(unlisted, layout)
      .open(digest)
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "PERMISSION_DENIED", serviceCode: undefined });
    expect(String(refused)).toContain("grant the right to list");
  });

  // A deleted blob stays deleted, its copies included. While a collector may still be about to delete
  // it, the copy is what a blob that is put again would live from, so it can't go yet.
  test("is emptied of a blob by delete", async () => {
    const store = bucketStore(bucket, layout);
    await store.put(bytes);
    await trashed("run-1");
    const early = await store.delete(digest).catch((error: unknown) => error);
    expect(early).toMatchObject({ code: "UNAVAILABLE", persistence: "exhausted" });
    expect(await bucket.head(layout.key(digest))).toBeUndefined();
    await store.put(bytes);
    expect(await bucket.delete(layout.key(digest))).toBe(true);
    expect(await read(store)).toEqual(bytes);
    nowMs += 60 * 60_000 + 5 * 60_000;
    expect(await store.delete(digest)).toBe(true);
    expect(await keys(bucket)).toEqual([]);
    expect(await store.delete(digest)).toBe(false);
    expect(await read(store)).toBeUndefined();
  });

  test.each([layout, flatLayout("f/", "sha256"), flatLayout("", "sha256")])(
    "is not listed (%#)",
    async (of) => {
      bucket = await collected(of);
      const store = bucketStore(bucket, of);
      await store.put(bytes, { digest });
      const copy = `${trashPrefixOf(of, digest)}20260101t000000000z-0011223344556677`;
      await bucket.put(copy, bytes);
      const listed: Digest[] = [];
      for await (const each of store.list()) listed.push(each.digest);
      expect(listed).toEqual([digest]);
      const run = "20260101t000000000z-0011223344556677";
      expect(parseTrashKey(of, copy)).toEqual({ digest, run });
      expect(parseTrashKey(of, of.key(digest))).toBeUndefined();
      expect(parseTrashKey(of, trashPrefixOf(of, digest))).toBeUndefined();
    },
  );
});
