import {
  type Bucket,
  bucketStore,
  type Clock,
  memoryBucket,
  parseDigest,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import {
  describeBlobStore,
  describeBucket,
  type Fault,
  type FaultyBucket,
  type FaultyStore,
  faultyBucket,
  faultySource,
  faultyStore,
  inTurn,
  noFaults,
  seededBytes,
} from "@bitstore/conformance";
import { afterAll, describe, expect, it } from "vitest";

// The fault layers. Without faults they pass the suites of what they wrap and leak nothing; with
// each fault a caller sees just what the script says.

const bytes = seededBytes(10_000);

async function withFault(fault: Fault): Promise<FaultyBucket> {
  const inner = memoryBucket();
  await inner.put("key", bytes);
  return faultyBucket(inner, () => fault);
}

describe("a bucket without faults", () => {
  const opened: FaultyBucket[] = [];
  const first = memoryBucket();
  const open = (inner: Bucket): Promise<Bucket> => {
    const bucket = faultyBucket(inner, noFaults);
    opened.push(bucket);
    return Promise.resolve(bucket);
  };
  describeBucket("memory under the fault layer", {
    open: () => open(opened.length === 0 ? first : memoryBucket()),
    reopen: () => open(first),
    dispose: () => Promise.resolve(),
    listPageSize: 20,
  });
  afterAll(() => {
    for (const { ledger } of opened) {
      expect(ledger.openReads).toBe(0);
      expect(ledger.pending).toBe(0);
    }
    expect(opened[0]?.ledger.calls()).toBeGreaterThan(1000);
  });
});

describe("a store without faults", () => {
  const opened: FaultyStore[] = [];
  const first = memoryBucket();
  const open = (inner: Bucket): Promise<FaultyStore> => {
    const store = faultyStore(bucketStore(inner, shardedLayout("")), noFaults);
    opened.push(store);
    return Promise.resolve(store);
  };
  describeBlobStore("memory under the fault layer", {
    open: () => open(opened.length === 0 ? first : memoryBucket()),
    reopen: () => open(first),
    requests: () => 0,
    dispose: () => Promise.resolve(),
  });
  afterAll(() => {
    for (const { ledger } of opened) expect(ledger.openReads).toBe(0);
  });
});

describe("a fault", () => {
  it("fail rejects without asking, with a code or an error of one's own", async () => {
    const own = new StoreError({ code: "ARCHIVED", operation: "read", message: "cold" });
    const inner = memoryBucket();
    const bucket = faultyBucket(
      inner,
      inTurn({ read: [{ fail: "UNAVAILABLE" }, { fail: own }], put: { fail: "RATE_LIMITED" } }),
    );
    await expect(bucket.read("key")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      persistence: "transient",
    });
    await expect(bucket.read("key")).rejects.toBe(own);
    expect(await bucket.read("key")).toBeUndefined();
    await expect(bucket.put("key", bytes)).rejects.toMatchObject({ code: "RATE_LIMITED" });
    expect(inner.size).toBe(0);
  });

  it("failAfter lets it happen and loses the answer", async () => {
    const inner = memoryBucket();
    const bucket = faultyBucket(inner, inTurn({ put: { failAfter: "TIMEOUT" } }));
    await expect(bucket.put("key", bytes)).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(inner.size).toBe(1);
  });

  it("miss answers that it is absent", async () => {
    const bucket = await withFault({ miss: true });
    expect(await bucket.head("key")).toBeUndefined();
    expect(await bucket.read("key")).toBeUndefined();
    expect(await bucket.delete("key")).toBe(false);
    for await (const _ of bucket.list("")) expect.fail("nothing is listed");
  });

  it("delayMs waits on the clock that was given", async () => {
    const waits: number[] = [];
    const clock: Clock = {
      now: () => 0,
      after: (delayMs, callback) => {
        waits.push(delayMs);
        queueMicrotask(callback);
        return () => undefined;
      },
    };
    const bucket = faultyBucket(memoryBucket(), () => ({ delayMs: 3_600_000 }), { clock });
    expect(await bucket.head("key")).toBeUndefined();
    expect(waits).toEqual([3_600_000]);
  });

  it("stall ends by an abort, or by the dispose", async () => {
    const bucket = await withFault({ stall: true });
    const controller = new AbortController();
    const aborted = bucket.head("key", { signal: controller.signal });
    const disposed = bucket.read("key");
    expect(bucket.ledger.pending).toBe(2);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    expect(bucket.ledger.pending).toBe(1);
    void bucket[Symbol.asyncDispose]();
    await expect(disposed).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(bucket.ledger.pending).toBe(0);
  });

  it("body end truncates cleanly, wherever it is", async () => {
    for (const atByte of [0, 1, 5000, 9999, 10_000]) {
      const bucket = await withFault({ body: { atByte, effect: "end" } });
      const content = await bucket.read("key");
      expect(content?.size).toBe(10_000);
      const read = (await content?.bytes()) ?? new Uint8Array(1);
      expect(Buffer.compare(read, bytes.subarray(0, atByte))).toBe(0);
      expect(bucket.ledger).toMatchObject({ openReads: 0, bytesRead: atByte });
    }
  });

  it("body code throws at its byte, even at the very end", async () => {
    for (const atByte of [0, 5000, 10_000]) {
      const bucket = await withFault({ body: { atByte, effect: "UNAVAILABLE" } });
      const content = await bucket.read("key");
      await expect(content?.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE" });
      expect(bucket.ledger).toMatchObject({ openReads: 0, bytesRead: atByte });
    }
  });

  it("body stall gives what is before it, and waits for the abort", async () => {
    const bucket = await withFault({ body: { atByte: 5000, effect: "stall" } });
    const controller = new AbortController();
    const content = await bucket.read("key", { signal: controller.signal });
    let seen = 0;
    const reading = (async () => {
      for await (const chunk of content?.body ?? noBytes()) {
        seen += chunk.byteLength;
        queueMicrotask(() => controller.abort());
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
    expect(seen).toBe(5000);
    expect(bucket.ledger.openReads).toBe(0);
  });

  it("body flip turns one bit of the object, in every range that has it", async () => {
    const bucket = await withFault({ body: { atByte: 5000, effect: "flip" } });
    const rotten = bytes.slice();
    rotten[5000] = (rotten[5000] ?? 0) ^ 1;
    for (const [start, end] of [
      [0, undefined],
      [5000, 5001],
      [4000, 6000],
      [5001, 6000],
      [0, 5000],
    ] as const) {
      const content = await bucket.read("key", { range: { start, end } });
      expect(await content?.bytes()).toEqual(rotten.subarray(start, end));
    }
    expect((await bucket.read("key"))?.size).toBe(10_000);
  });

  it("body of a put spoils what is stored, or breaks it off", async () => {
    const inner = memoryBucket();
    const script = inTurn({
      put: [{ body: { atByte: 9, effect: "flip" } }, { body: { atByte: 9, effect: "TIMEOUT" } }],
    });
    const bucket = faultyBucket(inner, script);
    await bucket.put("rotten", bytes);
    const stored = await (await inner.read("rotten"))?.bytes();
    expect(stored?.[9]).toBe((bytes[9] ?? 0) ^ 1);
    await expect(bucket.put("broken", bytes)).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(inner.size).toBe(1);
  });

  it("sizeBy lies about the size, in stat, head and read", async () => {
    const bucket = await withFault({ sizeBy: -3 });
    expect((await bucket.head("key"))?.size).toBe(9997);
    const content = await bucket.read("key");
    expect(content).toMatchObject({ size: 9997, range: { start: 0, end: 9997 } });
    expect(await content?.bytes()).toHaveLength(10_000);
  });

  it("ignoreRange answers the whole, and says so or not", async () => {
    const range = { start: 10, end: 20 };
    const honest = await withFault({ ignoreRange: "claims the whole" });
    const whole = await honest.read("key", { range });
    expect(whole?.range).toEqual({ start: 0, end: 10_000 });
    expect(await whole?.bytes()).toHaveLength(10_000);
    const lying = await withFault({ ignoreRange: "claims the range" });
    const claimed = await lying.read("key", { range });
    expect(claimed?.range).toEqual(range);
    expect(await claimed?.bytes()).toHaveLength(10_000);
  });

  it("items breaks a list in the middle", async () => {
    const inner = memoryBucket();
    for (const key of ["a", "b", "c"]) await inner.put(key, bytes);
    const bucket = faultyBucket(inner, inTurn({ list: { items: 2, fail: "UNAVAILABLE" } }));
    const seen: string[] = [];
    const listing = (async () => {
      for await (const { key } of bucket.list("")) seen.push(key);
    })();
    await expect(listing).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(seen).toEqual(["a", "b"]);
    expect(bucket.ledger.pending).toBe(0);
  });

  it("hits a source as it hits a bucket, and the ledger says what was asked", async () => {
    const store = bucketStore(memoryBucket(), shardedLayout(""));
    const { digest } = await store.put(bytes);
    const source = faultySource(
      store,
      inTurn({
        open: [{ miss: true }, { body: { atByte: 5, effect: "end" } }],
        stat: { sizeBy: 1 },
      }),
    );
    expect(await source.open(digest)).toBeUndefined();
    expect(await (await source.open(digest))?.bytes()).toHaveLength(5);
    const open = await source.open(digest);
    expect(source.ledger.openReads).toBe(1);
    await open?.[Symbol.asyncDispose]();
    await open?.[Symbol.asyncDispose]();
    expect(source.ledger.openReads).toBe(0);
    expect(source.ledger.openReadsMost).toBe(1);
    expect(await source.stat(digest)).toEqual({ digest, size: 10_001 });
    expect(source.ledger.calls("open")).toBe(3);
    expect(source.ledger.subjects("open")).toEqual([digest, digest, digest]);
    expect(source.ledger.calls()).toBe(4);
    const other = parseDigest("a9993e364706816aba3e25717850c26c9cd0d89d");
    expect(await source.open(other)).toBeUndefined();
  });
});

async function* noBytes(): AsyncGenerator<Uint8Array, void, void> {
  // A miss has no bytes.
}
