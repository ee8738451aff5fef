import { describe, expect, it } from "vitest";
import { seededBytes, seededWords } from "@bitstore/conformance";
import { type Digest, digestOf } from "@bitstore/core";
import { blob, bytesOf, cacheDirectory, digestsOf } from "./cache-directory.ts";
import { runChild } from "./child-process.ts";
import { block, bytesIn, charged } from "./disk-walk.ts";

describe("the budget", () => {
  it("is never exceeded by parallel puts, as a process that walks the files sees it", async () => {
    // 400 puts of up to 40 blocks, 24 at a time, into 256 blocks; streams go to the file from the
    // third block on, so that their room grows as they come. The watcher shares no code with the
    // cache, and counts what was there at one moment: temporary files and quarantine included.
    const directory = await cacheDirectory();
    const bytesMax = 256 * block;
    const limits = { spaceMs: 60_000, gatherBytes: 2 * block };
    const cache = await directory.open({ bytesMax, limits });
    const watcher = runChild("watch-budget", directory.path);
    await watcher.printed(1);
    const random = seededWords(7);
    let left = 400;
    let refused = 0;
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const bytes = seededBytes(random() % (40 * block), left);
        const stream = async function* () {
          for (let at = 0; at < bytes.byteLength; at += 10_000)
            yield bytes.subarray(at, at + 10_000);
        };
        const quarantine = left % 10 === 0;
        try {
          const { digest } = await cache.put(left % 2 === 0 ? bytes : stream);
          if (quarantine) await cache.quarantine(digest);
        } catch (error) {
          // Streams that all hold room and want more: one of them has to give way.
          expect(String(error)).toContain("hold all of the budget");
          refused += 1;
        }
      }
    };
    await Promise.all(Array.from({ length: 24 }, work));
    watcher.process.stdin?.end();
    await watcher.ended;
    const { most, walks } = JSON.parse(watcher.lines.at(-1) ?? "{}");
    expect(walks).toBeGreaterThan(20);
    expect(refused).toBeLessThan(100);
    expect(most).toBeLessThanOrEqual(bytesMax);
    // It was worth watching only if the cache was about full.
    expect(most).toBeGreaterThan(bytesMax / 2);
    expect((await cache.stats()).bytes).toBe(bytesIn(directory.path));
  });

  it("counts entries too, where that is asked for", async () => {
    const cache = await (await cacheDirectory()).open({ entriesMax: 7 });
    await Promise.all(Array.from({ length: 50 }, (_, n) => cache.put(blob(n))));
    expect(await cache.stats()).toMatchObject({ entries: 7, bytes: 7 * block, evictions: 43 });
  });

  it("counts whole blocks, and the empty blob as none", async () => {
    const cache = await (await cacheDirectory()).open();
    await cache.put(new Uint8Array(0));
    expect((await cache.stats()).bytes).toBe(0);
    await cache.put(blob(1, 1));
    await cache.put(blob(2, block));
    await cache.put(blob(3, block + 1));
    expect(await cache.stats()).toMatchObject({ bytes: 4 * block, blobBytes: 2 * block + 2 });
  });

  it("takes a blob of exactly its size, and none of a block more", async () => {
    const cache = await (await cacheDirectory()).open({ entryBytesMax: 64 * block });
    await cache.put(blob(1));
    expect(await cache.put(blob(2, 64 * block))).toMatchObject({ outcome: "created" });
    expect(await cache.stats()).toMatchObject({ entries: 1, bytes: 64 * block });
    await expect(cache.put(blob(3, 64 * block + 1))).rejects.toThrow("at most 262144 bytes");
  });

  it("is kept when the cache is opened again with a smaller one", async () => {
    // What was on the disk before counts from the first moment, though nothing was read yet.
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 100 * block });
    for (let n = 0; n < 100; n += 1) await cache.put(blob(n));
    await cache[Symbol.asyncDispose]();
    const again = await directory.open({ bytesMax: 30 * block });
    expect(bytesIn(directory.path)).toBe(30 * block);
    for (let n = 100; n < 140; n += 1) {
      await again.put(blob(n));
      expect(bytesIn(directory.path)).toBeLessThanOrEqual(30 * block);
    }
    expect((await again.stats()).bytes).toBe(bytesIn(directory.path));
  });

  it("makes puts wait for one another, and gives up on one after spaceMs", async () => {
    // One put holds all of the budget and stalls; the other is refused, and works once it is gone.
    const cache = await (await cacheDirectory()).open({
      bytesMax: 100 * block,
      entryBytesMax: 100 * block,
      limits: { spaceMs: 50 },
    });
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const size = 100 * block;
    const slow = cache.put(
      async function* () {
        yield blob(1, size).subarray(0, 300_000);
        await gate;
        yield blob(1, size).subarray(300_000);
      },
      { size },
    );
    await expect.poll(async () => (await cache.stats()).heldBytes).toBe(size);
    await expect(cache.put(blob(2))).rejects.toThrow("hold all of the budget");
    go();
    await slow;
    expect(await cache.put(blob(2))).toMatchObject({ outcome: "created" });
  });

  it("refuses one of several streams that all hold room and want more", async () => {
    // Four streams of unknown length take a quarter each and then want twice that. None of them
    // could ever go on, so some are refused at once, long before spaceMs, and the rest is stored.
    const cache = await (await cacheDirectory()).open({
      bytesMax: 64 * block,
      entryBytesMax: 64 * block,
      limits: { gatherBytes: block, growBytesMax: 1, spaceMs: 3_600_000 },
    });
    let arrived = 0;
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const puts = [1, 2, 3, 4].map((n) =>
      cache.put(async function* () {
        const bytes = blob(n, 30 * block);
        yield bytes.subarray(0, 15 * block);
        arrived += 1;
        if (arrived === 4) go();
        await gate;
        yield bytes.subarray(15 * block);
      }),
    );
    const outcomes = await Promise.allSettled(puts);
    const stored = outcomes.filter(({ status }) => status === "fulfilled");
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(stored.length).toBeGreaterThanOrEqual(1);
    expect(refused.length).toBeGreaterThanOrEqual(1);
    for (const { reason } of refused) expect(String(reason)).toContain("hold all of the budget");
    expect((await cache.stats()).heldBytes).toBe(0);
  });

  it("lets who waits in line leave it at once", async () => {
    // The first put holds everything, the second waits for room, the third for the second. The
    // third is aborted, and must not wait for anything; nor may it leave a hold behind.
    const cache = await (await cacheDirectory()).open({
      bytesMax: 100 * block,
      entryBytesMax: 100 * block,
      limits: { spaceMs: 3_600_000 },
    });
    const first = new AbortController();
    const endless = async function* () {
      yield blob(1, 300_000);
      await new Promise(() => undefined);
    };
    const holding = cache.put(endless, { size: 100 * block, signal: first.signal });
    await expect.poll(async () => (await cache.stats()).heldBytes).toBe(100 * block);
    const waiting = cache.put(blob(2));
    const third = new AbortController();
    const leaving = cache.put(blob(3), { signal: third.signal });
    setImmediate(() => third.abort());
    await expect(leaving).rejects.toThrow("aborted");
    first.abort();
    await expect(holding).rejects.toThrow("aborted");
    expect(await waiting).toMatchObject({ outcome: "created" });
    expect(await cache.stats()).toMatchObject({ entries: 1, bytes: block, heldBytes: 0 });
  });

  it("lets many puts through whose room is enough for a few at a time only", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 40 * block, entryBytesMax: 40 * block });
    const puts = Array.from({ length: 60 }, (_, n) => cache.put(blob(n, 15 * block)));
    const outcomes = await Promise.all(puts);
    expect(outcomes.every(({ outcome }) => outcome === "created")).toBe(true);
    expect(bytesIn(directory.path)).toBe(30 * block);
  });

  it("goes by SIEVE: a visited entry loses its bit as the hand passes", async () => {
    // A, B and C were read. D makes the hand pass all three and take A; E finds B without its bit.
    const cache = await (await cacheDirectory()).open({
      bytesMax: 3 * block,
      limits: { pendingHitsMax: 1 },
    });
    const digests: Digest[] = [];
    for (let n = 0; n < 3; n += 1) digests.push((await cache.put(blob(n))).digest);
    for (const digest of digests) await (await cache.open(digest))?.bytes();
    // What is noted is written by now: prune writes it first.
    await cache.prune({ olderThanMs: 3_600_000 });
    for (let n = 3; n < 5; n += 1) digests.push((await cache.put(blob(n))).digest);
    expect(await digestsOf(cache)).toEqual(digests.slice(2).sort());
  });

  it("keeps what is read while new blobs come and go", async () => {
    // Ten blobs are read between puts of a hundred that never are: all ten must survive, by hits
    // that are noted in memory only (nothing is flushed within an hour).
    const cache = await (await cacheDirectory()).open({
      bytesMax: 30 * block,
      limits: { flushMs: 3_600_000 },
    });
    const hot = await Promise.all(Array.from({ length: 10 }, (_, n) => cache.put(blob(n))));
    for (let n = 100; n < 200; n += 1) {
      for (const { digest } of hot)
        expect(await bytesOf(await cache.open(digest))).toHaveLength(1000);
      await cache.put(blob(n));
    }
    expect(await digestsOf(cache)).toEqual(expect.arrayContaining(hot.map(({ digest }) => digest)));
  });
});

describe("two processes on one directory", () => {
  it("keep one budget, see each other's blobs, and lose or corrupt nothing", async () => {
    // Both put the same seeded blobs while a third process walks the files. At the end the count
    // in the index, the walk and the bytes themselves must agree.
    const directory = await cacheDirectory();
    const bytesMax = 200 * block;
    const watcher = runChild("watch-budget", directory.path);
    await watcher.printed(1);
    const options = { bytesMax, puts: 250, parallel: 6, blobs: 120, blobBytesMax: 60_000 };
    const writers = [1, 2].map((seed) =>
      runChild("put-loop", directory.path, JSON.stringify({ ...options, seed })),
    );
    for (const writer of writers) expect(await writer.ended).toEqual({ status: 0, stderr: "" });
    watcher.process.stdin?.end();
    await watcher.ended;
    const { most } = JSON.parse(watcher.lines.at(-1) ?? "{}");
    expect(most).toBeLessThanOrEqual(bytesMax);
    expect(most).toBeGreaterThan(bytesMax / 2);
    for (const writer of writers) expect(writer.lines).toHaveLength(251);
    const cache = await directory.open({ bytesMax });
    expect((await cache.stats()).bytes).toBe(bytesIn(directory.path));
    let bytes = 0;
    for await (const { digest, size } of cache.list()) {
      const found = (await bytesOf(await cache.open(digest))) ?? new Uint8Array(1);
      expect(await digestOf(found, "sha256")).toBe(digest);
      bytes += charged(size);
    }
    expect(bytes).toBe(bytesIn(directory.path));
  });
});
