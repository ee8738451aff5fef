import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  type BlobStore,
  bucketStore,
  memoryBucket,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import {
  journalStatus,
  type SharedWriteBack,
  sharedWriteBack,
  type SharedWriteBackOptions,
} from "../src/index.ts";
import { blob, gate, journalDirectory, pendingPath } from "./journal-directory.ts";

function memoryOrigin(): BlobStore {
  return bucketStore(memoryBucket(), shardedLayout(""));
}

/** An origin that takes nothing while it is down. */
interface DownOrigin {
  readonly origin: BlobStore;
  isDown: boolean;
}

function downOrigin(): DownOrigin {
  const inner = memoryOrigin();
  const down: DownOrigin = {
    isDown: true,
    origin: {
      ...inner,
      put: (body, options) =>
        down.isDown
          ? Promise.reject(
              new StoreError({ code: "UNAVAILABLE", operation: "put", message: "down" }),
            )
          : inner.put(body, options),
    },
  };
  return down;
}

const limits = { drainMs: 50, cancelMs: 50, retryMs: 5, retryMsMax: 20, takeoverMs: 5 };

async function open(
  directory: string,
  origin: BlobStore,
  options: Partial<SharedWriteBackOptions> = {},
): Promise<SharedWriteBack> {
  return await sharedWriteBack(origin, { directory, bytesMax: 2 ** 20, limits, ...options });
}

describe("a guest of a journal", () => {
  // Two journals on one directory: the second is a guest, whose puts go to the origin itself and which
  // sees all that the first has pending.
  test("puts to the origin, and sees what the owner has pending", async () => {
    const { path } = await journalDirectory();
    const down = downOrigin();
    await using owner = await open(path, down.origin);
    const direct = memoryOrigin();
    await using guest = await open(path, down.origin, { direct });
    expect([owner.isOwner(), guest.isOwner()]).toEqual([true, false]);
    const { digest } = await owner.put(blob(1));
    const { source } = guest;
    expect(await source.stat(digest)).toEqual({ digest, size: 1000 });
    expect(new Uint8Array((await (await source.open(digest))?.bytes()) ?? [])).toEqual(blob(1));
    const listed: unknown[] = [];
    for await (const each of source.list()) listed.push(each);
    expect(listed).toEqual([{ digest, size: 1000 }]);
    expect(await guest.status()).toMatchObject({ pendingEntries: 1, pendingBytes: 1000 });
    const put = await guest.put(blob(2));
    expect(await direct.stat(put.digest)).toBeDefined();
    expect(await source.stat(put.digest)).toBeUndefined();
  });

  // The owner would bring it to the origin after it was deleted there.
  test("deletes nothing that the owner is about to upload", async () => {
    const { path } = await journalDirectory();
    const down = downOrigin();
    await using owner = await open(path, down.origin);
    await using guest = await open(path, down.origin);
    const { digest } = await owner.put(blob(1));
    await expect(guest.source.delete(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    down.isDown = false;
    await guest.settled(digest);
    expect(await guest.source.delete(digest)).toBe(false);
  });

  test("waits for what the owner uploads", async () => {
    const { path } = await journalDirectory();
    const down = downOrigin();
    await using owner = await open(path, down.origin);
    await using guest = await open(path, down.origin);
    const { digest } = await owner.put(blob(1));
    const late = AbortSignal.timeout(30);
    await expect(guest.settled(digest, late)).rejects.toMatchObject({ code: "ABORTED" });
    down.isDown = false;
    await guest.settled(digest);
    await guest.drain();
    expect(await down.origin.stat(digest)).toBeDefined();
  });

  // The owner ends with a blob pending; the guest, which waits for it, takes over and uploads it.
  test("becomes the owner when that one ends, and goes on with the uploads", async () => {
    const { path } = await journalDirectory();
    const down = downOrigin();
    const owner = await open(path, down.origin);
    await using guest = await open(path, down.origin);
    const { digest } = await owner.put(blob(1));
    const drained = guest.drain();
    await owner[Symbol.asyncDispose]();
    down.isDown = false;
    await drained;
    expect(guest.isOwner()).toBe(true);
    expect(await down.origin.stat(digest)).toBeDefined();
    expect((await guest.put(blob(2))).outcome).toBe("created");
  });

  test("opened and ended leaves the owner alone", async () => {
    const { path } = await journalDirectory();
    const held = gate();
    const inner = memoryOrigin();
    const origin: BlobStore = {
      ...inner,
      async put(body, options) {
        await held.wait();
        return await inner.put(body, options);
      },
    };
    await using owner = await open(path, origin);
    const { digest } = await owner.put(blob(1));
    await (await open(path, origin))[Symbol.asyncDispose]();
    held.open();
    await owner.drain();
    expect(await inner.stat(digest)).toBeDefined();
  });
});

describe("what is pending for one origin", () => {
  // The config was changed while a blob was pending: acknowledged for one bucket, it is not brought to
  // another. An empty journal may change its origin.
  test("is never uploaded to another", async () => {
    const { path } = await journalDirectory();
    const down = downOrigin();
    const first = await open(path, down.origin, { originId: "s3://first/" });
    const { digest } = await first.put(blob(1));
    await first[Symbol.asyncDispose]();
    const second = memoryOrigin();
    const refused = open(path, second, { originId: "s3://second/" });
    await expect(refused).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(refused).rejects.toThrow("s3://first/");
    expect(await second.stat(digest)).toBeUndefined();
    down.isDown = false;
    const again = await open(path, down.origin, { originId: "s3://first/" });
    const guest = open(path, second, { originId: "s3://second/" });
    await expect(guest).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await again.drain();
    await again[Symbol.asyncDispose]();
    await (await open(path, second, { originId: "s3://second/" }))[Symbol.asyncDispose]();
    await rm(join(path, "_origin.json"));
    await (await open(path, second, { originId: "s3://third/" }))[Symbol.asyncDispose]();
    expect(await readdir(path)).toContain("_origin.json");
  });
});

describe("a look at a directory", () => {
  test("counts what is pending, uploads nothing, and takes none for empty", async () => {
    const { path } = await journalDirectory();
    expect(await journalStatus(join(path, "absent"))).toMatchObject({ pendingEntries: 0 });
    const down = downOrigin();
    const owner = await open(path, down.origin);
    const { digest } = await owner.put(blob(1));
    await owner[Symbol.asyncDispose]();
    const status = await journalStatus(path);
    expect(status).toMatchObject({ pendingEntries: 1, pendingBytes: 1000, failedEntries: 0 });
    expect(status.oldestMs).toBeGreaterThanOrEqual(0);
    await rm(pendingPath(path, digest));
    expect(await journalStatus(path)).toMatchObject({ pendingEntries: 0, oldestMs: undefined });
  });
});
