import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Digest, digestOf, isStoreError } from "@bitstore/core";
import type { DiskCache } from "@bitstore/cache-disk";
import { blob, bytesOf, cacheDirectory, digestsOf } from "./cache-directory.ts";
import { bytesIn } from "./disk-walk.ts";

const diskBytes = 8 * 2 ** 20;

/** Mounts a disk of 8 MiB; undefined where that is not permitted. */
function mountSmallDisk(): string | undefined {
  const path = mkdtempSync(join(tmpdir(), "bitstore-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "tmpfs", path], {
      stdio: "pipe",
    });
    return path;
  } catch {
    rmSync(path, { recursive: true });
    console.warn("skipped: the tests of a full disk need the permission to mount a tmpfs");
    return undefined;
  }
}

const disk = process.platform === "linux" ? mountSmallDisk() : undefined;

afterAll(() => {
  if (disk === undefined) return;
  execFileSync("umount", ["-l", disk]);
  rmSync(disk, { recursive: true });
});

/** Fills what is left of the disk with a file of somebody else's. */
async function fillDisk(path: string): Promise<void> {
  const handle = await open(path, "w");
  try {
    for (const size of [65_536, 4096]) {
      for (;;) await handle.write(new Uint8Array(size));
    }
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  } finally {
    await handle.close();
  }
}

async function tryPut(cache: DiskCache, n: number, size: number): Promise<boolean> {
  const bytes = blob(n, size);
  const stream = async function* () {
    for (let at = 0; at < size; at += 30_000) yield bytes.subarray(at, at + 30_000);
  };
  try {
    await cache.put(stream);
    return true;
  } catch (error) {
    expect(isStoreError(error, "UNAVAILABLE")).toBe(true);
    expect(String(error)).toContain("disk full");
    return false;
  }
}

describe.skipIf(disk === undefined)("a disk smaller than the budget", () => {
  it("makes a few puts fail, which leave nothing, and the cache lives within it", async () => {
    // The budget is 64 MiB, the disk has 8. Puts of up to 700 kB go on and on; after the first
    // refusal the cache stays below what fits, so that nearly all of them are stored.
    const directory = await cacheDirectory(disk);
    const cache = await directory.open({ bytesMax: 64 * 2 ** 20 });
    let stored = 0;
    let refused = 0;
    for (let n = 0; n < 150; n += 1) {
      if (await tryPut(cache, n, 1000 + ((n * 37_000) % 700_000))) stored += 1;
      else refused += 1;
      expect(await readdir(join(directory.path, "tmp"))).toEqual([]);
    }
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(15);
    expect(stored + refused).toBe(150);
    // Counts agree, and every blob that is listed is whole.
    await expect.poll(async () => (await cache.stats()).bytes).toBe(bytesIn(directory.path));
    const digests = await digestsOf(cache);
    expect(digests.length).toBeGreaterThan(5);
    for (const digest of digests) {
      const bytes = (await bytesOf(await cache.open(digest))) ?? new Uint8Array(1);
      expect(await digestOf(bytes, "sha256")).toBe(digest);
    }
  });

  it("that others have filled: puts are refused and reads served until there is room", async () => {
    const directory = await cacheDirectory(disk);
    const cache = await directory.open({ bytesMax: 64 * 2 ** 20, limits: { fullMs: 1 } });
    const kept: Digest[] = [];
    for (let n = 0; n < 40; n += 1) kept.push((await cache.put(blob(n, 20_000))).digest);
    const other = join(directory.path, ".other");
    await fillDisk(other);
    expect(statfsSync(disk ?? "").bavail).toBe(0);
    expect(await tryPut(cache, 100, 900_000)).toBe(false);
    let served = 0;
    for (const digest of kept) {
      const bytes = await bytesOf(await cache.open(digest));
      if (bytes === undefined) continue;
      expect(await digestOf(bytes, "sha256")).toBe(digest);
      served += 1;
    }
    // Some were evicted to make room; most must be there.
    expect(served).toBeGreaterThan(20);
    await rm(other);
    await expect.poll(() => tryPut(cache, 100, 900_000)).toBe(true);
    expect((await cache.put(blob(101))).outcome).toBe("created");
    await cache[Symbol.asyncDispose]();
    const again = await directory.open({ bytesMax: 64 * 2 ** 20 });
    expect((await again.stats()).bytes).toBe(bytesIn(directory.path));
  });

  it("that is full to the last block as it is opened: it says so, or serves", async () => {
    const directory = await cacheDirectory(disk);
    const before = await directory.open({ bytesMax: 2 ** 20 });
    const { digest } = await before.put(blob(1));
    await before[Symbol.asyncDispose]();
    await fillDisk(join(directory.path, ".other"));
    try {
      const cache = await directory.open({ bytesMax: 2 ** 20 });
      expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
    } catch (error) {
      expect(isStoreError(error, "UNAVAILABLE")).toBe(true);
      expect(String(error)).toContain("disk full");
    }
    await rm(join(directory.path, ".other"));
    const cache = await directory.open({ bytesMax: 2 ** 20 });
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
  });
});
