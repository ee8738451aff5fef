import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { digestOf } from "@bitstore/core";
import { blob, blobPath, bytesOf, cacheDirectory, digestsOf } from "./cache-directory.ts";
import { block, bytesIn } from "./disk-walk.ts";

describe("limits", () => {
  it("pendingHitsMax: hits are written early at the limit, long before flushMs", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ limits: { flushMs: 3_600_000, pendingHitsMax: 5 } });
    const puts = await Promise.all(Array.from({ length: 6 }, (_, n) => cache.put(blob(n))));
    const visited = (): number => {
      const index = new DatabaseSync(join(directory.path, "index.sqlite"), { readOnly: true });
      const row = index.prepare("SELECT count(*) AS count FROM entries WHERE visited = 1").get();
      index.close();
      return Number(row?.["count"]);
    };
    for (const { digest } of puts.slice(0, 4)) await (await cache.open(digest))?.bytes();
    expect(visited()).toBe(0);
    await (await cache.open(puts[4]?.digest ?? (puts[0]?.digest as never)))?.bytes();
    await expect.poll(visited).toBe(5);
  });

  it("lapStepsMax: past it a visited entry is evicted, rather than all passed", async () => {
    // All of 60 entries were read. The hand clears some 20 bits and then takes what comes next, so
    // the victim is neither the oldest (a whole lap) nor far behind the limit.
    const cache = await (await cacheDirectory()).open({
      bytesMax: 60 * block,
      limits: { lapStepsMax: 20, sweepStepsMax: 10 },
    });
    const digests: string[] = [];
    for (let n = 0; n < 60; n += 1) {
      const { digest } = await cache.put(blob(n));
      digests.push(digest);
      await (await cache.open(digest))?.bytes();
    }
    await cache.put(blob(100));
    const left = await digestsOf(cache);
    const victims = digests.flatMap((digest, n) =>
      left.some((other) => other === digest) ? [] : [n],
    );
    expect(victims).toHaveLength(1);
    expect(victims[0]).toBeGreaterThanOrEqual(20);
    expect(victims[0]).toBeLessThan(40);
  });

  it("rowsMax: a put that needs many entries gone takes them in many transactions", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({
      bytesMax: 60 * block,
      entryBytesMax: 60 * block,
      limits: { rowsMax: 7 },
    });
    await Promise.all(Array.from({ length: 60 }, (_, n) => cache.put(blob(n))));
    await cache.put(blob(100, 50 * block));
    expect(await cache.stats()).toMatchObject({ entries: 11, bytes: 60 * block });
    expect(bytesIn(directory.path)).toBe(60 * block);
  });
});

describe("reindex", () => {
  it("tells what it has found: adopted, forgotten, quarantined", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open();
    const vanished = await cache.put(blob(1));
    const changed = await cache.put(blob(2));
    await cache.put(blob(3));
    await rm(blobPath(directory.path, vanished.digest));
    await writeFile(blobPath(directory.path, changed.digest), "short");
    const added = await digestOf(blob(4), "sha1");
    const cut = await digestOf(blob(5), "sha256");
    for (const [digest, bytes] of [
      [added, blob(4)],
      [cut, new Uint8Array(0)],
    ] as const) {
      const path = blobPath(directory.path, digest);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    }
    await writeFile(join(directory.path, "blobs", "sha256", "notes.txt"), "not a blob");
    expect(await cache.reindex()).toEqual({ files: 4, adopted: 1, forgotten: 1, quarantined: 2 });
    expect(await cache.reindex()).toEqual({ files: 2, adopted: 0, forgotten: 0, quarantined: 0 });
    expect(await bytesOf(await cache.open(added))).toEqual(Buffer.from(blob(4)));
    expect(await cache.stats()).toMatchObject({
      entries: 2,
      bytes: 3 * block,
      quarantinedEntries: 1,
    });
    // What is no blob by its name is left alone.
    expect(readFileSync(join(directory.path, "blobs", "sha256", "notes.txt"), "utf8")).toBe(
      "not a blob",
    );
  });

  it("ends when it is aborted, and when the cache is disposed", async () => {
    const cache = await (await cacheDirectory()).open();
    for (let n = 0; n < 20; n += 1) await cache.put(blob(n));
    const signal = AbortSignal.abort();
    await expect(cache.reindex({ signal })).rejects.toThrow("reindex");
    const running = cache.reindex();
    const ended = expect(running).rejects.toThrow("disposed");
    await cache[Symbol.asyncDispose]();
    await ended;
  });
});

describe("fsync", () => {
  it("makes a put sync its file and folders, and changes nothing else", async () => {
    const cache = await (await cacheDirectory()).open({ fsync: true, bytesMax: 2 ** 24 });
    for (const size of [0, 10, 500_000]) {
      const { digest } = await cache.put(blob(1, size));
      expect(await bytesOf(await cache.open(digest))).toHaveLength(size);
    }
  });
});
