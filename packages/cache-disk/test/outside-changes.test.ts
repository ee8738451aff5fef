import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { type AlarmEvent, digestOf, isStoreError, parseDigest } from "@bitstore/core";
import { seededBytes } from "@bitstore/conformance";
import { describe, expect, it } from "vitest";
import { blob, blobPath, bytesOf, cacheDirectory, digestsOf } from "./cache-directory.ts";
import { block, bytesIn } from "./disk-walk.ts";

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
