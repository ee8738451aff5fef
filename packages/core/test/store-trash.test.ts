import {
  type BlobStore,
  type Bucket,
  bucketStore,
  type BucketStoreOptions,
  type Clock,
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

/** Lets all happen that waits for nothing but its turn. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener("abort", () => resolve()));
}

const read = async (store: BlobStore): Promise<Uint8Array | undefined> =>
  await (await store.open(digest))?.bytes();

beforeEach(async () => {
  bucket = await collected();
});

describe("the trash of a store", () => {
  // A large blob takes longer to be copied than anybody waits: its copy serves meanwhile, and whoever
  // gives up waiting does not end what was begun for him.
  describe("of a blob that is large", () => {
    let puts = 0;
    let goOn: () => void = () => undefined;

    /** Holds up what is written to the blob's place until it is let go. */
    function held(): Bucket {
      puts = 0;
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      return {
        ...bucket,
        async put(key, body, options) {
          puts += 1;
          await Promise.race([gate, aborted(options?.signal)]);
          options?.signal?.throwIfAborted();
          return await bucket.put(key, body, options);
        },
      };
    }
    const large = (of: Bucket, more: BucketStoreOptions = {}): BlobStore =>
      bucketStore(of, layout, { restoreFirstBytesMax: 4, ...more });

    test("answers from its copy, and brings it back once meanwhile", async () => {
      await trashed("run-1");
      const store = large(held());
      expect(await store.stat(digest)).toEqual({ digest, size: 5 });
      const content = await store.open(digest);
      expect(content?.version).toBeUndefined();
      expect(await content?.bytes()).toEqual(bytes);
      const part = await store.open(digest, { range: { start: 1, end: 3 } });
      expect(Buffer.from((await part?.bytes()) ?? []).toString()).toBe("el");
      expect([await bucket.head(layout.key(digest)), puts]).toEqual([undefined, 1]);
      goOn();
      await store[Symbol.asyncDispose]();
      expect(await (await bucket.read(layout.key(digest)))?.bytes()).toEqual(bytes);
    });

    // A tag on a copy that is purged the next moment would come too late, so it has to be in its place.
    test("is waited for by stat where its copy is old, however often that is given up", async () => {
      await trashed("run-1");
      nowMs += 1.75 * graceMs;
      const store = large(held());
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const stop = new AbortController();
        const stat = store.stat(digest, { signal: stop.signal });
        await settled();
        stop.abort();
        await expect(stat).rejects.toMatchObject({ code: "ABORTED" });
      }
      expect(puts).toBe(1);
      const stat = store.stat(digest);
      goOn();
      expect(await stat).toEqual({ digest, size: 5 });
      expect(await bucket.head(layout.key(digest))).toBeDefined();
    });

    test("ends with the store, and with a blob that is deleted", async () => {
      await trashed("run-1");
      const timers: (() => void)[] = [];
      const clock: Clock = {
        now: () => 0,
        after(delayMs, callback) {
          if (delayMs === 5000) timers.push(callback);
          return () => undefined;
        },
      };
      const store = large(held(), { clock });
      await store.stat(digest);
      nowMs += 2 * 60 * 60_000;
      expect(await store.delete(digest)).toBe(true);
      goOn();
      await settled();
      expect(await keys(bucket)).toEqual([]);

      await trashed("run-2");
      const other = large(held(), { clock });
      await other.stat(digest);
      const disposed = other[Symbol.asyncDispose]();
      await settled();
      for (const fire of timers) fire();
      await disposed;
      expect(await bucket.head(layout.key(digest))).toBeUndefined();
    });

    test("is given up where it stands still, and begun anew", async () => {
      await trashed("run-1");
      let stall: () => void = () => undefined;
      const clock: Clock = {
        now: () => 0,
        after(delayMs, callback) {
          if (delayMs === 60_000) stall = callback;
          return () => undefined;
        },
      };
      const store = large(held(), { clock });
      nowMs += 1.75 * graceMs;
      const stat = store.stat(digest).catch((error: unknown) => error);
      await settled();
      stall();
      expect(await stat).toMatchObject({ code: "TIMEOUT" });
      goOn();
      expect(await store.stat(digest)).toEqual({ digest, size: 5 });
      expect(puts).toBe(2);
    });
  });

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
