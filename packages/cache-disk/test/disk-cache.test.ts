import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { type AlarmEvent, algorithms, digestOf, isStoreError, parseDigest } from "@bitstore/core";
import { seededBytes } from "@bitstore/conformance";
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

describe("a file that was changed from outside", () => {
  it("vanished: is a miss, and its row goes", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open();
    const { digest } = await cache.put(blob(1));
    await rm(blobPath(directory.path, digest));
    expect(await cache.open(digest)).toBeUndefined();
    await expect.poll(async () => (await cache.stats()).entries).toBe(0);
    expect(await cache.put(blob(1))).toMatchObject({ outcome: "created" });
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
  });

  it("has another size: is a miss, kept in quarantine, and can be put again", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    for (const size of [1000, 900_000]) {
      for (const change of [(p: string) => appendFile(p, "x"), (p: string) => truncate(p, 5)]) {
        const { digest } = await cache.put(blob(1, size));
        await change(blobPath(directory.path, digest));
        const before = (await cache.stats()).corruptions;
        expect(await cache.open(digest)).toBeUndefined();
        await expect.poll(async () => (await cache.stats()).corruptions).toBe(before + 1);
        expect(await cache.stat(digest)).toBeUndefined();
        expect(await cache.put(blob(1, size))).toMatchObject({ outcome: "created" });
        expect(
          Buffer.compare(
            (await bytesOf(await cache.open(digest))) ?? Buffer.alloc(0),
            blob(1, size),
          ),
        ).toBe(0);
        await cache.delete(digest);
      }
    }
    expect((await readdir(join(directory.path, "quarantine"))).length).toBe(4);
    const { bytes, quarantinedBytes } = await cache.stats();
    expect(bytesIn(directory.path)).toBe(bytes);
    expect(quarantinedBytes).toBe(bytes);
  });

  it("has the same size and other bytes: a put sees it, and puts the right ones", async () => {
    // A read hands it out unverified, as the contract says; `existed` must not vouch for it.
    const directory = await cacheDirectory();
    const cache = await directory.open();
    const { digest } = await cache.put(blob(1));
    await writeFile(blobPath(directory.path, digest), blob(2));
    expect(await cache.put(blob(1), { digest })).toMatchObject({ outcome: "created" });
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
    expect((await cache.stats()).quarantinedEntries).toBe(1);
  });

  it("is told by an alarm that says what was found, and where it is kept", async () => {
    // As every store tells it. A file of another size was not read; one of the same size was, twice.
    const alarms: AlarmEvent[] = [];
    const onAlarm = (event: unknown): void => void alarms.push(event as AlarmEvent);
    subscribe("bitstore:alarm", onAlarm);
    try {
      const directory = await cacheDirectory();
      const cache = await directory.open();
      const { digest } = await cache.put(blob(1));
      await writeFile(blobPath(directory.path, digest), blob(2));
      const found = await digestOf(blob(2), "sha256");
      await cache.put(blob(1), { digest });
      await appendFile(blobPath(directory.path, digest), "x");
      expect(await cache.open(digest)).toBeUndefined();
      await expect.poll(() => alarms.length).toBe(2);
      const size = blob(1).byteLength;
      expect(alarms).toMatchObject([
        {
          kind: "copy-quarantined",
          subject: digest,
          provenance: { key: digest, size, found, reads: 2, foundBy: "put" },
        },
        { provenance: { size: size + 1, found: undefined, reads: 0, foundBy: "open" } },
      ]);
      const kept = alarms[0]?.provenance?.kept ?? "";
      const file = createReadStream(join(directory.path, kept));
      expect(await digestOf(file, "sha256")).toBe(found);
    } finally {
      unsubscribe("bitstore:alarm", onAlarm);
    }
  });

  it("is a symlink, a folder or a pipe: is never followed or waited for", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    const secret = join(directory.path, ".secret");
    await writeFile(secret, blob(2));
    const plant: ((path: string) => unknown)[] = [
      (path) => symlink(secret, path),
      (path) => mkdir(path),
      (path) => execFileSync("mkfifo", [path]),
    ];
    for (const size of [1000, 900_000]) {
      for (const make of plant) {
        const { digest } = await cache.put(blob(1, size));
        const path = blobPath(directory.path, digest);
        await rm(path);
        await make(path);
        expect(await cache.open(digest)).toBeUndefined();
        await expect.poll(() => cache.stat(digest)).toBeUndefined();
        await rm(path, { recursive: true, force: true });
      }
    }
  });
});

describe("quarantine", () => {
  it("takes a blob out, keeps its file, and says whether there was one", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open();
    const { digest } = await cache.put(blob(1));
    expect(await cache.quarantine(digest)).toBe(true);
    expect(await cache.quarantine(digest)).toBe(false);
    expect(await cache.open(digest)).toBeUndefined();
    const [name = ""] = await readdir(join(directory.path, "quarantine"));
    const kept = createReadStream(join(directory.path, "quarantine", name));
    expect(await digestOf(kept, "sha256")).toBe(digest);
    expect(await cache.stats()).toMatchObject({ entries: 0, quarantinedEntries: 1, bytes: block });
  });

  it("is bounded in files and bytes; a good copy of the same blob stays", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({
      bytesMax: 160 * block,
      limits: { quarantineFilesMax: 3 },
    });
    const { digest } = await cache.put(blob(0));
    await cache.quarantine(digest);
    await cache.put(blob(0));
    for (let n = 1; n < 6; n += 1) await cache.quarantine((await cache.put(blob(n))).digest);
    expect(await cache.stats()).toMatchObject({
      quarantinedEntries: 3,
      entries: 1,
      bytes: 4 * block,
    });
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(0)));
    // 160 / 16 blocks is what the quarantine may take; a file above it is not kept.
    await cache.quarantine((await cache.put(blob(9, 11 * block))).digest);
    expect(await cache.stats()).toMatchObject({ quarantinedEntries: 3, bytes: 4 * block });
    expect(bytesIn(directory.path)).toBe(4 * block);
  });

  it("gives its room up before a put is refused", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 16 * block, entryBytesMax: 16 * block });
    await cache.quarantine((await cache.put(blob(1))).digest);
    expect((await cache.stats()).quarantinedEntries).toBe(1);
    expect(await cache.put(blob(2, 16 * block))).toMatchObject({ outcome: "created" });
    expect(await cache.stats()).toMatchObject({ quarantinedEntries: 0, bytes: 16 * block });
    expect(bytesIn(directory.path)).toBe(16 * block);
  });
});

describe("prune", () => {
  it("evicts down to a number of bytes", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open();
    for (let n = 0; n < 40; n += 1) await cache.put(blob(n));
    expect(await cache.prune({ bytesMax: 10 * block })).toEqual({ entries: 30, bytes: 30_000 });
    expect(bytesIn(directory.path)).toBe(10 * block);
    expect(await cache.prune({ bytesMax: 0 })).toEqual({ entries: 10, bytes: 10_000 });
    expect(await cache.stats()).toMatchObject({ entries: 0, bytes: 0 });
  });

  it("removes what was neither put nor read for long, by a date that is given", async () => {
    let now = 1_700_000_000_000;
    const day = 24 * 3_600_000;
    const cache = await (await cacheDirectory()).open({ date: () => now });
    const old = await cache.put(blob(1));
    const read = await cache.put(blob(2));
    now += 9 * day;
    await (await cache.open(read.digest))?.bytes();
    const fresh = await cache.put(blob(3));
    now += 2 * day;
    expect(await cache.prune({ olderThanMs: 10 * day })).toEqual({ entries: 1, bytes: 1000 });
    expect(await cache.stat(old.digest)).toBeUndefined();
    expect(await digestsOf(cache)).toEqual([read.digest, fresh.digest].sort());
  });
});

describe("dispose", () => {
  it("ends what is going on, and every call after it is refused", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open({ bytesMax: 2 ** 24 });
    const { digest } = await cache.put(blob(1));
    let reached = (): void => undefined;
    const started = new Promise<void>((resolve) => (reached = resolve));
    const stalled = async function* () {
      yield seededBytes(400_000);
      reached();
      await new Promise(() => undefined);
    };
    const put = cache.put(stalled);
    const refused = expect(put).rejects.toSatisfy((error) => isStoreError(error, "UNAVAILABLE"));
    await started;
    await cache[Symbol.asyncDispose]();
    await cache[Symbol.asyncDispose]();
    await refused;
    expect(await readdir(join(directory.path, "tmp"))).toEqual([]);
    expect(await readdir(join(directory.path, "owners"))).toEqual([]);
    const calls = [
      () => cache.open(digest),
      () => cache.stat(digest),
      () => cache.put(blob(2)),
      () => cache.delete(digest),
      () => digestsOf(cache),
      () => cache.stats(),
      () => cache.prune({ bytesMax: 0 }),
      () => cache.reindex(),
      () => cache.quarantine(digest),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow("the cache was disposed");
  });

  it("keeps what was put, its counts and its hits", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open();
    const { digest } = await cache.put(blob(1));
    await (await cache.open(digest))?.bytes();
    await cache.open(parseDigest("0".repeat(64)));
    await cache[Symbol.asyncDispose]();
    const again = await directory.open();
    expect(await again.stats()).toMatchObject({ entries: 1, hits: 1, misses: 1, puts: 1 });
    expect(await bytesOf(await again.open(digest))).toEqual(Buffer.from(blob(1)));
  });
});
