import {
  type BlobStore,
  bucketStore,
  limited,
  memoryBucket,
  observed,
  type Observation,
  prefixed,
  readOnly,
  shardedLayout,
  StoreError,
  verified,
  withRetry,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { manualClock, settle } from "./manual-clock.ts";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

const bytes = someBytes(100);

function failing(code: "UNAVAILABLE" | "PERMISSION_DENIED" | "RATE_LIMITED", times: number) {
  const inner = scriptedStore("inner");
  const store = {
    ...inner,
    calls: 0,
    async open(...call: Parameters<BlobStore["open"]>) {
      store.calls += 1;
      if (store.calls <= times) {
        throw new StoreError({ code, operation: "open", message: "scripted", retryAfterMs: 700 });
      }
      return await inner.open(...call);
    },
  };
  return { inner, store };
}

describe("withRetry", () => {
  // Two failures that pass, then an answer; each pause is at least what the service asked for.
  test("repeats what may pass", async () => {
    const { inner, store } = failing("RATE_LIMITED", 2);
    const digest = await plant(bytes, inner);
    const clock = manualClock();
    const opening = withRetry(store, { clock, random: () => 0 }).open(digest);
    await clock.advance(699);
    expect(store.calls).toBe(1);
    await clock.advance(1);
    await clock.advance(700);
    expect(await (await opening)?.bytes()).toEqual(bytes);
    expect(store.calls).toBe(3);
  });

  test("gives up after its attempts, and says so once and for all", async () => {
    const { store } = failing("UNAVAILABLE", 99);
    const digest = await plant(bytes);
    const clock = manualClock();
    const options = { clock, random: () => 0.5, attemptsMax: 3, pauseMsMax: 1000 };
    const opening = withRetry(store, options).open(digest);
    const caught = opening.catch((error: unknown) => error);
    for (let turn = 0; turn < 5; turn += 1) await clock.advance(1000);
    expect(await caught).toMatchObject({
      code: "UNAVAILABLE",
      persistence: "exhausted",
      message: expect.stringContaining("after 3 attempts"),
    });
    expect(store.calls).toBe(3);
  });

  // Of 200 requests that all fail and may be tried four times, 10 retries are made at once, and one for
  // every ten requests; when the window has passed, there are some again.
  test("has a budget for retries: a tenth of the requests, and ten at least", async () => {
    let calls = 0;
    const down = async (): Promise<undefined> => {
      calls += 1;
      throw new StoreError({ code: "UNAVAILABLE", operation: "open", message: "down" });
    };
    const digest = await plant(bytes);
    const clock = manualClock();
    const store = { ...scriptedStore("down"), open: down };
    const retrying = withRetry(store, { clock, random: () => 0 });
    const failed = async (times: number): Promise<number> => {
      const before = calls;
      for (let n = 0; n < times; n += 1) {
        const caught = retrying.open(digest).catch((error: unknown) => error);
        for (let attempt = 0; attempt < 4; attempt += 1) await clock.advance(0);
        expect(await caught).toMatchObject({ persistence: "exhausted" });
      }
      return calls - before - times;
    };
    expect(await failed(20)).toBe(10);
    expect(await failed(180)).toBe(10);
    await clock.advance(10_000);
    expect(await failed(4)).toBe(10);
  });

  test("leaves permanent errors, long pauses and a passed deadline alone", async () => {
    const digest = await plant(bytes);
    const denied = failing("PERMISSION_DENIED", 99).store;
    await expect(withRetry(denied).open(digest)).rejects.toMatchObject({
      persistence: "permanent",
    });
    expect(denied.calls).toBe(1);
    const asked = failing("RATE_LIMITED", 99).store;
    await expect(withRetry(asked, { pauseMsMax: 500 }).open(digest)).rejects.toThrow("scripted");
    expect(asked.calls).toBe(1);
  });

  // The body's own failure is the caller's business: sending it again would fail again.
  test("does not repeat a put whose body threw", async () => {
    const inner = scriptedStore("inner");
    let opened = 0;
    async function* body(): AsyncGenerator<Uint8Array> {
      opened += 1;
      yield bytes;
      throw new StoreError({ code: "UNAVAILABLE", operation: "read", message: "source is gone" });
    }
    const digest = await plant(bytes);
    await expect(withRetry(inner).put(body, { digest })).rejects.toThrow("source is gone");
    expect(opened).toBe(1);
  });

  test("stops when its caller does", async () => {
    const { store } = failing("UNAVAILABLE", 99);
    const clock = manualClock();
    const controller = new AbortController();
    const opening = withRetry(store, { clock }).open(await plant(bytes), {
      signal: controller.signal,
    });
    const caught = opening.catch((error: unknown) => error);
    await clock.advance(0);
    controller.abort();
    expect(await caught).toMatchObject({ code: "ABORTED" });
  });
});

describe("limited", () => {
  // A store that refuses while more than 8 are under way: the bound comes down to what it takes, once
  // for each wave of refusals, and goes up again when the store takes more.
  test("adapts to what the store takes, where it is asked to", async () => {
    let underWay = 0;
    let most = 8;
    let refused = 0;
    const inner = scriptedStore("inner");
    const store = limited(
      {
        ...inner,
        async stat() {
          underWay += 1;
          const isTooMuch = underWay > most;
          await settle();
          underWay -= 1;
          if (!isTooMuch) return undefined;
          refused += 1;
          throw new StoreError({ code: "RATE_LIMITED", operation: "stat", message: "slow down" });
        },
      },
      { concurrencyMax: 64, adaptive: true },
    );
    const digest = await plant(bytes);
    const ask = async (times: number): Promise<void> => {
      await Promise.allSettled(Array.from({ length: times }, () => store.stat(digest)));
    };
    await ask(64);
    expect(store.concurrency()).toBe(32);
    await ask(2000);
    expect(store.concurrency()).toBeLessThanOrEqual(16);
    const before = refused;
    await ask(1000);
    // With a bound of 64 it would be nine of ten.
    expect(refused - before).toBeLessThan(300);
    most = 1000;
    await ask(4000);
    expect(store.concurrency()).toBeGreaterThan(40);
  });

  // A read keeps its place until its body is over, by whichever way it ends.
  test("bounds what is under way, reads to their end", async () => {
    const inner = scriptedStore("inner");
    const digest = await plant(bytes, inner);
    const store = limited(inner, { concurrencyMax: 2 });
    const first = await store.open(digest);
    const second = await store.open(digest);
    const third = store.open(digest);
    const controller = new AbortController();
    const left = store.open(digest, { signal: controller.signal }).catch((error: unknown) => error);
    await settle();
    expect(inner.opens).toBe(2);
    controller.abort();
    expect(await left).toMatchObject({ code: "ABORTED" });
    await first?.bytes();
    expect(await (await third)?.bytes()).toEqual(bytes);
    await second?.[Symbol.asyncDispose]();
    for await (const _ of (await store.open(digest))?.body ?? []) break;
    expect(await store.stat(digest)).toBeDefined();
    expect(inner.openReads).toBe(0);
  });

  test("gives the place back where the store says no", async () => {
    const inner = scriptedStore("inner", "failed");
    const store = limited(inner, { concurrencyMax: 1 });
    const digest = await plant(bytes);
    await expect(store.open(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    inner.behaviour = "miss";
    expect(await store.open(digest)).toBeUndefined();
  });
});

describe("verified", () => {
  test.each([100, 5 * 2 ** 20])("%d wrong bytes never come to a clean end", async (size) => {
    const inner = scriptedStore("inner");
    const store = verified(inner);
    const digest = await plant(someBytes(size), inner);
    const read = async (): Promise<Uint8Array | undefined> => (await store.open(digest))?.bytes();
    expect((await read())?.byteLength).toBe(size);
    expect((await store.open(digest, { range: { start: 1, end: 2 } }))?.verified).toBe(false);
    inner.behaviour = "corrupt";
    await expect(read()).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });
});

describe("observed", () => {
  // One observation an operation, when it is over, with the bytes that really went through.
  test("tells of every end", async () => {
    const inner = scriptedStore("inner");
    const seen: Observation[] = [];
    const store = observed(inner, (observation) => seen.push(observation));
    const digest = await plant(bytes, inner);
    await (await store.open(digest))?.bytes();
    await (await store.open(digest))?.[Symbol.asyncDispose]();
    await store.stat(digest);
    await store.put(bytes);
    await store.delete(digest);
    await store.open(digest);
    inner.behaviour = "failed";
    await store.open(digest).catch(() => undefined);
    expect(seen.map(({ operation, outcome, bytes: count }) => [operation, outcome, count])).toEqual(
      [
        ["open", "hit", 100],
        ["open", "hit", 0],
        ["stat", "hit", 0],
        ["put", "hit", 100],
        ["delete", "hit", 0],
        ["open", "miss", 0],
        ["open", "failed", 0],
      ],
    );
    expect(seen.at(-1)?.error?.code).toBe("UNAVAILABLE");
  });
});

describe("readOnly", () => {
  test("refuses to write, and can read", async () => {
    const inner = scriptedStore("inner");
    const digest = await plant(bytes, inner);
    const store = readOnly(inner);
    expect(store.capabilities).toMatchObject({ put: false, delete: false, list: false });
    expect(await (await store.open(digest))?.bytes()).toEqual(bytes);
    await expect(store.put(bytes)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(store.delete(digest)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(store.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
  });
});

describe("prefixed", () => {
  test("keeps to its part of the bucket", async () => {
    const bucket = memoryBucket();
    const part = prefixed(bucket, "part/");
    await bucket.put("other", bytes);
    await part.put("a/b", bytes);
    expect(await bucket.head("part/a/b")).toBeDefined();
    expect(await part.head("other")).toBeUndefined();
    const keys: string[] = [];
    for await (const { key } of part.list("", { startAfter: "a/a" })) keys.push(key);
    for await (const found of part.listPrefixes("")) keys.push(found);
    expect(keys).toEqual(["a/b", "a/"]);
    await expect(part.put("", bytes)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("the format of a store", () => {
  const text = (bytesOf: object): Uint8Array => Buffer.from(JSON.stringify(bytesOf));

  // The first write says how the blobs are laid out; a reader of another layout, or an older one
  // than the format wants, is told so instead of finding nothing.
  test("is written once and kept to", async () => {
    const bucket = memoryBucket();
    const layout = shardedLayout("p/");
    const { digest } = await bucketStore(bucket, layout).put(bytes);
    const written = await (await bucket.read("p/_bitstore.json"))?.bytes();
    expect(JSON.parse(Buffer.from(written ?? []).toString())).toEqual({
      layout: "sharded",
      minReader: 1,
      minWriter: 1,
    });
    await bucket.put("p/_bitstore.json", text({ layout: "sharded", minReader: 1, minWriter: 9 }));
    const reader = bucketStore(bucket, layout);
    expect(await reader.stat(digest)).toBeDefined();
    await expect(reader.put(bytes)).rejects.toThrow("format 9 is newer");
    await bucket.put("p/_bitstore.json", text({ layout: "flat", minReader: 1, minWriter: 1 }));
    await expect(bucketStore(bucket, layout).stat(digest)).rejects.toThrow("laid out flat");
  });
});
