import { readdir, truncate } from "node:fs/promises";
import { algorithms, digestOf, isStoreError } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { blob, blobPath, bytesOf, cacheDirectory, digestsOf } from "./cache-directory.ts";
import { block, bytesIn } from "./disk-walk.ts";

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

describe("put and open", () => {
  it("gives back what was put, of every algorithm and around every limit of size", async () => {
    // Sizes around a block, the size that is read whole (128 KiB) and the one that is gathered in
    // memory (256 KiB), with and without a digest, as bytes and as a stream with empty chunks.
    const cache = await (await cacheDirectory()).open({ bytesMax: 64 * 2 ** 20 });
    const limits = [0, 1, block, 128 * 1024, 256 * 1024, 512 * 1024];
    const sizes = limits.flatMap((limit) => [limit - 1, limit, limit + 1]).filter((n) => n >= 0);
    for (const [at, size] of [...sizes, 3_000_000].entries()) {
      const bytes = blob(at, size);
      const algorithm = algorithms[at % algorithms.length] ?? "sha256";
      const digest = await digestOf(bytes, algorithm);
      const stream = async function* () {
        yield new Uint8Array(0);
        yield* chunksOf(bytes, 70_000);
        yield new Uint8Array(0);
      };
      const known = at % 2 === 0 ? { digest, size } : { algorithm };
      expect(await cache.put(stream, known)).toEqual({ digest, size, outcome: "created" });
      expect(await cache.put(bytes, known)).toEqual({ digest, size, outcome: "existed" });
      expect(await cache.stat(digest)).toEqual({ digest, size });
      const content = await cache.open(digest);
      expect(content).toMatchObject({
        size,
        role: "cache",
        verified: false,
        range: { start: 0, end: size },
      });
      expect(Buffer.compare((await bytesOf(content)) ?? Buffer.alloc(9), bytes)).toBe(0);
    }
  });

  it("refuses wrong bytes and stores nothing of them", async () => {
    // Short and long bodies take different ways; both must leave neither blob nor temporary file.
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    for (const size of [10, 700_000]) {
      const digest = await digestOf(blob(1, size), "sha256");
      const wrong = cache.put(() => chunksOf(blob(2, size), 65_536), { digest });
      await expect(wrong).rejects.toSatisfy((error) => isStoreError(error, "DIGEST_MISMATCH"));
      expect(await cache.open(digest)).toBeUndefined();
    }
    expect(bytesIn(directory.path)).toBe(0);
    expect((await cache.stats()).bytes).toBe(0);
  });

  it("refuses wrong bytes also where the blob is there, and keeps the blob", async () => {
    const cache = await (await cacheDirectory()).open();
    const { digest } = await cache.put(blob(1));
    const wrong = cache.put(blob(2), { digest });
    await expect(wrong).rejects.toSatisfy((error) => isStoreError(error, "DIGEST_MISMATCH"));
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
  });

  it("rethrows the body's own error and refuses a size that is not the body's", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    const failure = new Error("the network went away");
    for (const size of [10, 700_000]) {
      const failing = async function* () {
        yield* chunksOf(blob(1, size), 65_536);
        throw failure;
      };
      await expect(cache.put(failing)).rejects.toBe(failure);
      for (const declared of [size - 1, size + 1]) {
        const put = cache.put(() => chunksOf(blob(1, size), 1000), { size: declared });
        await expect(put).rejects.toSatisfy((error) => isStoreError(error, "INVALID_ARGUMENT"));
      }
    }
    expect(bytesIn(directory.path)).toBe(0);
    expect((await cache.stats()).bytes).toBe(0);
  });

  it("refuses what is larger than entryBytesMax, before or as soon as it is known", async () => {
    // The declared size is refused without the body being opened; the other one is closed early.
    const cache = await (await cacheDirectory()).open({
      bytesMax: 2 ** 24,
      entryBytesMax: 300_000,
    });
    let opened = 0;
    let closed = 0;
    const endless = async function* () {
      opened += 1;
      try {
        for (;;) yield new Uint8Array(10_000);
      } finally {
        closed += 1;
      }
    };
    const tooLarge = (error: unknown): boolean => isStoreError(error, "TOO_LARGE");
    await expect(cache.put(endless, { size: 300_001 })).rejects.toSatisfy(tooLarge);
    expect(opened).toBe(0);
    await expect(cache.put(endless)).rejects.toSatisfy(tooLarge);
    expect([opened, closed]).toEqual([1, 1]);
    await expect(cache.put(blob(1, 300_001))).rejects.toSatisfy(tooLarge);
    expect((await cache.put(blob(1, 300_000))).outcome).toBe("created");
    expect((await cache.stats()).refusals).toBe(3);
  });

  it("has one blob after many puts of it at once", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    const bytes = blob(1, 300_000);
    const puts = Array.from({ length: 16 }, () => cache.put(() => chunksOf(bytes, 50_000)));
    const outcomes = (await Promise.all(puts)).map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === "created")).toHaveLength(1);
    expect(await cache.stats()).toMatchObject({ entries: 1, bytes: 303_104, heldBytes: 0 });
    expect(bytesIn(directory.path)).toBe(303_104);
  });

  it("ends a put as soon as its signal aborts, though the body stalls", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    const controller = new AbortController();
    const stalled = async function* () {
      yield blob(1, 400_000);
      controller.abort();
      await new Promise(() => undefined);
    };
    const put = cache.put(stalled, { signal: controller.signal });
    await expect(put).rejects.toSatisfy((error) => isStoreError(error, "ABORTED"));
    expect(bytesIn(directory.path)).toBe(0);
    expect((await cache.stats()).bytes).toBe(0);
  });
});

describe("ranges", () => {
  it("cuts them from small and large blobs alike", async () => {
    const cache = await (await cacheDirectory()).open({ bytesMax: 2 ** 24 });
    for (const size of [1000, 900_000]) {
      const bytes = blob(1, size);
      const { digest } = await cache.put(bytes);
      for (const [start, end] of [
        [0, 1],
        [10, undefined],
        [size - 1, size],
        [5, size * 2],
      ] as const) {
        const content = await cache.open(digest, { range: { start, end } });
        expect(content?.range).toEqual({ start, end: Math.min(end ?? size, size) });
        expect(await bytesOf(content)).toEqual(Buffer.from(bytes.subarray(start, end)));
      }
      const past = cache.open(digest, { range: { start: size, end: undefined } });
      await expect(past).rejects.toSatisfy((error) => isStoreError(error, "RANGE_NOT_SATISFIABLE"));
    }
  });

  it("pins a version: a copy that was put again is another one", async () => {
    const cache = await (await cacheDirectory()).open({ bytesMax: 2 ** 24 });
    for (const size of [1000, 900_000]) {
      const { digest } = await cache.put(blob(1, size));
      const version = (await cache.open(digest))?.version ?? "";
      const again = await cache.open(digest, { version, range: { start: 0, end: 5 } });
      expect(await bytesOf(again)).toHaveLength(5);
      await cache.delete(digest);
      await cache.put(blob(1, size));
      const stale = cache.open(digest, { version });
      await expect(stale).rejects.toSatisfy((error) => isStoreError(error, "PRECONDITION_FAILED"));
    }
  });
});

describe("reads", () => {
  it("go on after their blob was evicted, and after the cache was disposed", async () => {
    const cache = await (await cacheDirectory()).open({
      bytesMax: 2 ** 21,
      entryBytesMax: 2 ** 21,
    });
    const bytes = blob(1, 1_500_000);
    const { digest } = await cache.put(bytes);
    const content = await cache.open(digest);
    await cache.put(blob(2, 2_000_000));
    expect(await cache.open(digest)).toBeUndefined();
    await cache[Symbol.asyncDispose]();
    expect(Buffer.compare((await bytesOf(content)) ?? Buffer.alloc(0), bytes)).toBe(0);
  });

  it("leave no file open, however they end", async () => {
    // Counted in /proc: read to the end, left early, disposed unread, aborted, refused.
    const cache = await (await cacheDirectory()).open({ bytesMax: 2 ** 24 });
    const { digest } = await cache.put(blob(1, 900_000));
    const openFiles = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
    const before = await openFiles();
    for (let round = 0; round < 20; round += 1) {
      await (await cache.open(digest))?.bytes();
      for await (const chunk of (await cache.open(digest))?.body ?? []) {
        expect(chunk.byteLength).toBeGreaterThan(0);
        break;
      }
      await (await cache.open(digest))?.[Symbol.asyncDispose]();
      const controller = new AbortController();
      const content = await cache.open(digest, { signal: controller.signal });
      controller.abort();
      await expect(content?.bytes()).rejects.toSatisfy((error) => isStoreError(error, "ABORTED"));
      await expect(cache.open(digest, { version: "other" })).rejects.toThrow("version");
    }
    expect(await openFiles()).toBe(before);
  });

  it("fail, and never end cleanly, where the file is cut while it is read", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    const { digest } = await cache.put(blob(1, 900_000));
    const content = await cache.open(digest);
    await truncate(blobPath(directory.path, digest), 500_000);
    await expect(content?.bytes()).rejects.toSatisfy((error) => isStoreError(error, "UNAVAILABLE"));
  });
});

describe("list and delete", () => {
  it("lists all algorithms in the order of the digests, and goes on after one", async () => {
    const cache = await (await cacheDirectory()).open({ bytesMax: 2 ** 24 });
    for (let n = 0; n < 60; n += 1) {
      await cache.put(blob(n), { algorithm: algorithms[n % algorithms.length] });
    }
    const listed = await digestsOf(cache);
    expect(listed).toHaveLength(60);
    expect(listed).toEqual([...listed].sort());
    for (const at of [0, 11, 12, 30, 59]) {
      const rest: string[] = [];
      for await (const { digest } of cache.list({ startAfter: listed[at] })) rest.push(digest);
      expect(rest).toEqual(listed.slice(at + 1));
    }
  });

  it("deletes file and row, once", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open();
    const { digest } = await cache.put(blob(1));
    expect(await cache.delete(digest)).toBe(true);
    expect(await cache.delete(digest)).toBe(false);
    expect(await cache.stat(digest)).toBeUndefined();
    expect(bytesIn(directory.path)).toBe(0);
    expect((await cache.stats()).bytes).toBe(0);
  });
});
