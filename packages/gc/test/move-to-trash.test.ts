import {
  type Bucket,
  bucketStore,
  formatBytes,
  memoryBucket,
  shardedLayout,
  StoreError,
  systemClock,
  trashPrefix,
} from "@bitstore/core";
import { beforeEach, expect, test } from "vitest";
import { moveToTrash, type MoveOutcome } from "../src/run/move-to-trash.ts";
import { patienceOf } from "../src/run/patience.ts";

// What others do between the steps of a move, each at the one moment at which it matters; the
// simulation meets these by chance, and some of them too rarely.
const graceMs = 4 * 60 * 60_000;
const layout = shardedLayout("");
const bytes = new TextEncoder().encode("garbage");
const gc = { metadata: "m", graceMs };
const immediately = { ...systemClock, after: () => () => undefined };

let nowMs = 0;
let bucket: Bucket;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  bucket = memoryBucket("memory:", () => new Date(nowMs));
  const format = { layout: "sharded", minReader: 2, minWriter: 2, gc };
  await bucket.put("_bitstore.json", formatBytes(format));
  await bucketStore(bucket, layout).put(bytes);
  nowMs += graceMs;
});

const { digest } = await bucketStore(memoryBucket(), layout).put(bytes);
const key = layout.key(digest);

/** Moves the blob over a bucket in which one operation, the n-th of its kind, is met by something. */
async function move(
  of: "head" | "read" | "put" | "delete",
  nth: number,
  meet: () => unknown,
  when: "before" | "after" = "before",
): Promise<MoveOutcome> {
  let count = 0;
  const met = async <T>(operation: string, call: () => Promise<T>): Promise<T> => {
    if (operation === of) count += 1;
    const isNow = operation === of && count === nth;
    if (isNow && when === "before") await meet();
    const result = await call();
    if (isNow && when === "after") await meet();
    return result;
  };
  const watched: Bucket = {
    ...bucket,
    head: (each, options) => met("head", () => bucket.head(each, options)),
    read: (each, options) => met("read", () => bucket.read(each, options)),
    put: (each, body, options) => met("put", () => bucket.put(each, body, options)),
    delete: (each, options) => met("delete", () => bucket.delete(each, options)),
  };
  const tier = { name: "t", bucket: watched, layout, gc, enabled: true, markedAtMs: nowMs };
  return await moveToTrash(tier, digest, {
    run: "run-1",
    clock: immediately,
    date: () => new Date(0),
    patience: patienceOf({ ...systemClock, after: soon }, () => 0, undefined),
  });
}

/** Pauses of no length, and requests without a limit. */
const soon: typeof systemClock.after = (delayMs, callback) => {
  if (delayMs === 0) queueMicrotask(callback);
  return () => undefined;
};

const store = (): ReturnType<typeof bucketStore> => bucketStore(bucket, layout);
const read = async (): Promise<Uint8Array | undefined> =>
  await (await store().open(digest))?.bytes();
const inPlace = async (): Promise<boolean> => (await bucket.head(key)) !== undefined;
async function copies(): Promise<number> {
  let count = 0;
  for await (const _ of bucket.list(trashPrefix(layout))) count += 1;
  return count;
}

test("a blob that nobody touches is swept, and read from the trash", async () => {
  expect(await move("head", 0, () => undefined)).toBe("swept");
  expect([await inPlace(), await copies()]).toEqual([false, 1]);
  expect(await read()).toEqual(bytes);
});

test.each([
  ["before it is looked at", "head", 1, 0],
  ["before it is copied", "read", 1, 0],
  ["while it is copied", "put", 1, 1],
  ["before it is looked at again", "head", 2, 1],
] as const)("one that is put again %s stays", async (_, operation, nth, left) => {
  expect(await move(operation, nth, () => store().put(bytes))).toBe("renewed");
  expect([await inPlace(), await copies()]).toEqual([true, left]);
});

test("one that is put again right before its deletion is read from the trash", async () => {
  expect(await move("delete", 1, () => store().put(bytes))).toBe("swept");
  expect(await read()).toEqual(bytes);
});

// The user's deletion does not fail, or refuses; what is put after it is not lost.
test("one that a user deletes meanwhile leaves no copy, and is not deleted again", async () => {
  expect(await move("put", 1, () => bucket.delete(key))).toBe("gone");
  expect([await inPlace(), await copies()]).toEqual([false, 0]);
});

test("a user's deletion between the second look and the deletion keeps the copy", async () => {
  let refused: unknown;
  const meet = async (): Promise<void> => {
    refused = await store()
      .delete(digest)
      .catch((error: unknown) => error);
    await store().put(bytes);
  };
  expect(await move("delete", 1, meet)).toBe("swept");
  expect(refused).toMatchObject({ code: "UNAVAILABLE" });
  expect(await read()).toEqual(bytes);
});

test.each([60 * 60_000 + 1, 3 * graceMs])(
  "a machine that slept %i ms deletes nothing",
  async (ms) => {
    expect(await move("head", 2, () => (nowMs += ms))).toBe("slow");
    expect([await inPlace(), await copies()]).toEqual([true, 0]);
  },
);

test("a copy whose answer was lost is not made twice", async () => {
  const lost = (): never => {
    throw new StoreError({ code: "UNAVAILABLE", operation: "put", message: "lost" });
  };
  expect(await move("put", 1, lost, "after")).toBe("swept");
  expect(await copies()).toBe(1);
});

// A deletion that is asked for twice might come a second time when nobody expects it any more.
test("a deletion whose answer was lost is not asked for again", async () => {
  const lost = (): never => {
    throw new StoreError({ code: "UNAVAILABLE", operation: "delete", message: "lost" });
  };
  await expect(move("delete", 1, lost, "before")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect([await inPlace(), await copies()]).toEqual([true, 1]);
});

// Tries that each may take the whole of the time would take hours, and leave a copy in every run.
test("a blob that is too large is copied for an hour in all", async () => {
  let tries = 0;
  const late = (): never => {
    tries += 1;
    nowMs += 60 * 60_000;
    throw new StoreError({ code: "TIMEOUT", operation: "gc", message: "no answer" });
  };
  const clock = { now: () => nowMs, after: soon };
  const slow: Bucket = {
    ...bucket,
    async put(each, body, options) {
      await bucket.put(each, body, options);
      return late();
    },
  };
  const tier = { name: "t", bucket: slow, layout, gc, enabled: true, markedAtMs: nowMs };
  const outcome = await moveToTrash(tier, digest, {
    run: "run-1",
    clock,
    date: () => new Date(0),
    patience: patienceOf(clock, () => 0, undefined),
  });
  expect({ outcome, tries }).toEqual({ outcome: "slow", tries: 1 });
  expect([await inPlace(), await copies()]).toEqual([true, 0]);
});
