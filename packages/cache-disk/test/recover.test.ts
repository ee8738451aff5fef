import { existsSync, statSync } from "node:fs";
import {
  open as openFile,
  mkdir,
  readdir,
  rename,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { digestOf, type Digest } from "@bitstore/core";
import { seededWords } from "@bitstore/conformance";
import { blob, blobPath, bytesOf, cacheDirectory, digestsOf } from "./cache-directory.ts";
import { runChild } from "./child-process.ts";
import { block, bytesIn } from "./disk-walk.ts";

/** Changes the index of a closed cache, to make what a death at a certain moment leaves. */
function changeIndex(directory: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(join(directory, "index.sqlite"));
  for (const statement of statements) database.exec(statement);
  database.close();
}

function keyHex(digest: Digest): string {
  return `x'12${digest.slice("sha256:".length)}'`;
}

const dead = "00000000-1-dead";
const bytesMax = 64 * block;

describe("a process that died", () => {
  it("before it had written: its room is given back", async () => {
    const directory = await cacheDirectory();
    await (await directory.open())[Symbol.asyncDispose]();
    changeIndex(
      directory.path,
      "INSERT INTO holds (owner, kind, size, bytes, name) " +
        `VALUES ('${dead}', 'put', 9, 8192, '${dead}-1')`,
    );
    const cache = await directory.open();
    expect(await cache.stats()).toMatchObject({ bytes: 0, heldBytes: 0 });
  });

  it("while it wrote: its temporary file is removed, that of a living one is not", async () => {
    // Two handles stand for two processes: each has a claim of its own. The first one is in the
    // middle of a put as the second one opens and clears up.
    const directory = await cacheDirectory();
    const options = { bytesMax: 128 * block };
    const first = await directory.open(options);
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const bytes = blob(1, 300_000);
    const living = first.put(
      async function* () {
        yield bytes.subarray(0, 290_000);
        await gate;
        yield bytes.subarray(290_000);
      },
      { size: 300_000 },
    );
    const names = (): Promise<string[]> => readdir(join(directory.path, "tmp"));
    await expect.poll(names).toHaveLength(1);
    const [kept] = await names();
    await writeFile(join(directory.path, "tmp", `${dead}-7`), "left over");
    const second = await directory.open(options);
    expect(await names()).toEqual([kept]);
    go();
    const { digest } = await living;
    expect(await bytesOf(await second.open(digest))).toHaveLength(300_000);
    expect(await names()).toEqual([]);
  });

  it("between the rename and its transaction's end: the blob is removed", async () => {
    const directory = await cacheDirectory();
    await (await directory.open())[Symbol.asyncDispose]();
    const digest = await digestOf(blob(1), "sha256");
    const path = blobPath(directory.path, digest);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, blob(1));
    changeIndex(
      directory.path,
      "INSERT INTO holds (owner, kind, digest, size, bytes, name) " +
        `VALUES ('${dead}', 'put', ${keyHex(digest)}, 1000, 4096, '${dead}-1')`,
    );
    const cache = await directory.open();
    expect(existsSync(path)).toBe(false);
    expect(await cache.stats()).toMatchObject({ bytes: 0, entries: 0 });
    expect(bytesIn(directory.path)).toBe(0);
  });

  it("over a put that another one has finished: the blob and its row stay", async () => {
    const directory = await cacheDirectory();
    const before = await directory.open();
    const { digest } = await before.put(blob(1));
    await before[Symbol.asyncDispose]();
    changeIndex(
      directory.path,
      "INSERT INTO holds (owner, kind, digest, size, bytes, name) " +
        `VALUES ('${dead}', 'put', ${keyHex(digest)}, 1000, 4096, '${dead}-1')`,
    );
    const cache = await directory.open();
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
    expect(await cache.stats()).toMatchObject({ bytes: block, entries: 1 });
  });

  it("while it evicted: the file goes, and then its room", async () => {
    const directory = await cacheDirectory();
    const before = await directory.open();
    const { digest } = await before.put(blob(1));
    await before[Symbol.asyncDispose]();
    changeIndex(
      directory.path,
      "DELETE FROM entries",
      "INSERT INTO holds (owner, kind, digest, size, bytes) " +
        `VALUES ('${dead}', 'leaving', ${keyHex(digest)}, 1000, 4096)`,
    );
    const cache = await directory.open();
    expect(bytesIn(directory.path)).toBe(0);
    expect(await cache.stats()).toMatchObject({ bytes: 0, entries: 0 });
    expect(await cache.put(blob(1))).toMatchObject({ outcome: "created" });
  });

  it("while it quarantined, before or after the move: neither file is left uncounted", async () => {
    for (const moved of [false, true]) {
      const directory = await cacheDirectory();
      const before = await directory.open();
      const { digest } = await before.put(blob(1));
      await before[Symbol.asyncDispose]();
      const name = "sha256-aside.1.x";
      const aside = join(directory.path, "quarantine", name);
      if (moved) await rename(blobPath(directory.path, digest), aside);
      changeIndex(
        directory.path,
        "DELETE FROM entries",
        "INSERT INTO holds (owner, kind, digest, size, bytes, name) " +
          `VALUES ('${dead}', 'leaving', ${keyHex(digest)}, 1000, 4096, '${name}')`,
      );
      const cache = await directory.open();
      expect((await cache.stats()).bytes).toBe(bytesIn(directory.path));
      expect(bytesIn(directory.path)).toBe(0);
    }
  });

  it("leaves a claim that the next one clears, and is noticed by those who live", async () => {
    // A child dies while it holds all of the budget. The cache that was open all the time must get
    // at that room by itself, without anybody opening the directory again.
    const directory = await cacheDirectory();
    const all = 2 * bytesMax;
    const cache = await directory.open({ bytesMax: all });
    const child = runChild("hold-room", directory.path, String(all));
    await child.printed(1);
    expect((await cache.stats()).heldBytes).toBe(all);
    child.process.kill("SIGKILL");
    await child.ended;
    expect(await cache.put(blob(1))).toMatchObject({ outcome: "created" });
    expect(await cache.stats()).toMatchObject({ bytes: block, heldBytes: 0 });
    expect(bytesIn(directory.path)).toBe(block);
    expect(await readdir(join(directory.path, "owners"))).toHaveLength(1);
  });
});

describe("kill -9 in the middle of puts", () => {
  it("leaves nothing wrong to be seen, and a count that is that of the files", async () => {
    // A child puts, evicts and streams with six puts at a time, and is killed after a seeded number
    // of acknowledgements; the next one goes on in the same directory. After each kill the cache is
    // opened: every listed blob must be whole and right, and all counts must agree with a walk.
    const rounds = Number(process.env["BITSTORE_TEST_KILLS"] ?? 8);
    const directory = await cacheDirectory();
    const random = seededWords(11);
    for (let round = 0; round < rounds; round += 1) {
      const options = {
        bytesMax,
        seed: round + 1,
        puts: 1e6,
        parallel: 6,
        blobs: 80,
        blobBytesMax: 50_000,
      };
      const child = runChild("put-loop", directory.path, JSON.stringify(options));
      await child.printed(1 + (random() % 60));
      child.process.kill("SIGKILL");
      expect((await child.ended).status).toBe("SIGKILL");
      const cache = await directory.open({ bytesMax, entryBytesMax: bytesMax });
      expect(await readdir(join(directory.path, "tmp"))).toEqual([]);
      const stats = await cache.stats();
      expect(stats).toMatchObject({ complete: true, heldBytes: 0, quarantinedEntries: 0 });
      expect(stats.bytes).toBe(bytesIn(directory.path));
      expect(stats.bytes).toBeLessThanOrEqual(bytesMax);
      for (const digest of await digestsOf(cache)) {
        const bytes = (await bytesOf(await cache.open(digest))) ?? new Uint8Array(1);
        expect(await digestOf(bytes, "sha256")).toBe(digest);
      }
      expect(await cache.reindex()).toMatchObject({ adopted: 0, forgotten: 0, quarantined: 0 });
      await cache[Symbol.asyncDispose]();
    }
  }, 300_000);
});

describe("a machine that went down", () => {
  it("has an index that is not to be trusted: it is derived from the files again", async () => {
    // The claim of an earlier boot is still there. The rows say nonsense, as unsynced pages may.
    const directory = await cacheDirectory();
    const before = await directory.open();
    const kept = await before.put(blob(1));
    const cut = await before.put(blob(2));
    await before[Symbol.asyncDispose]();
    changeIndex(directory.path, "UPDATE entries SET size = 77", "UPDATE totals SET bytes = 5");
    await writeFile(blobPath(directory.path, cut.digest), "");
    await writeFile(join(directory.path, "owners", "0badb007-4711-a1b2c3"), "");
    const cache = await directory.open();
    expect(await digestsOf(cache)).toEqual([kept.digest]);
    expect(await cache.stats()).toMatchObject({ bytes: block, complete: true });
    expect(bytesIn(directory.path)).toBe(block);
    expect(await readdir(join(directory.path, "owners"))).toHaveLength(1);
  });
});

describe("an index that is missing, damaged or of another kind", () => {
  const damages: Readonly<Record<string, (index: string) => Promise<unknown>>> = {
    missing: (index) => rm(index),
    empty: (index) => writeFile(index, ""),
    "no database": (index) => writeFile(index, "x".repeat(10_000)),
    "cut in half": async (index) => {
      await truncate(index, Math.floor(statSync(index).size / 2));
    },
    "another database": async (index) => {
      await rm(index);
      const database = new DatabaseSync(index);
      database.exec("CREATE TABLE totals (a); PRAGMA user_version = 1");
      database.close();
    },
    "another schema": async (index) => {
      const database = new DatabaseSync(index);
      database.exec("PRAGMA user_version = 99");
      database.close();
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    it(`(${name}) is made again from the files`, async () => {
      const directory = await cacheDirectory();
      const before = await directory.open();
      for (let n = 0; n < 30; n += 1) await before.put(blob(n, 100 + n));
      await before.quarantine((await before.put(blob(99))).digest);
      const digests = await digestsOf(before);
      await before[Symbol.asyncDispose]();
      await damage(join(directory.path, "index.sqlite"));
      const cache = await directory.open();
      expect(await digestsOf(cache)).toEqual(digests);
      const stats = await cache.stats();
      expect(stats).toMatchObject({
        complete: true,
        entries: 30,
        bytes: 31 * block,
        quarantinedEntries: 1,
      });
      expect(bytesIn(directory.path)).toBe(31 * block);
      for (const [n, digest] of (
        await Promise.all(
          Array.from({ length: 30 }, (_, at) => digestOf(blob(at, 100 + at), "sha256")),
        )
      ).entries()) {
        expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(n, 100 + n)));
      }
    });
  }

  it("whose damage shows when it is used is made again then, and the read served", async () => {
    // One page, the root of the index by digest, is overwritten: opening sees nothing of it.
    const directory = await cacheDirectory();
    const before = await directory.open();
    const { digest } = await before.put(blob(1));
    await before[Symbol.asyncDispose]();
    const path = join(directory.path, "index.sqlite");
    const database = new DatabaseSync(path);
    const root = database
      .prepare("SELECT rootpage FROM sqlite_master WHERE name = 'entries_by_digest'")
      .get()?.["rootpage"];
    database.close();
    const handle = await openFile(path, "r+");
    await handle.write(Buffer.alloc(4096, 0xa5), 0, 4096, (Number(root) - 1) * 4096);
    await handle.close();
    const cache = await directory.open();
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
    expect(await cache.put(blob(2))).toMatchObject({ outcome: "created" });
    expect(await digestsOf(cache)).toHaveLength(2);
    expect((await cache.stats()).bytes).toBe(bytesIn(directory.path));
    expect(await readdir(directory.path)).toContain("index-damaged.sqlite");
  });

  it("is made again under a cache that is open, by every process that has it open", async () => {
    const directory = await cacheDirectory();
    const [one, other] = [await directory.open(), await directory.open()];
    const { digest } = await one.put(blob(1));
    const index = join(directory.path, "index.sqlite");
    await rm(index);
    // Whoever opens it now makes a new one; the others must notice before they write to the old.
    const third = await directory.open();
    expect(await one.put(blob(2))).toMatchObject({ outcome: "created" });
    expect(await other.put(blob(3))).toMatchObject({ outcome: "created" });
    for (const cache of [one, other, third]) {
      expect(await digestsOf(cache)).toHaveLength(3);
      expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
      expect((await cache.stats()).bytes).toBe(bytesIn(directory.path));
    }
  });

  it("serves reads by the files while it is made, and never exceeds the budget", async () => {
    // Opening does not wait for the walk here. The budget counts as full until files were seen.
    const directory = await cacheDirectory();
    const before = await directory.open();
    const puts = await Promise.all(Array.from({ length: 64 }, (_, n) => before.put(blob(n))));
    await before[Symbol.asyncDispose]();
    await rm(join(directory.path, "index.sqlite"));
    const cache = await directory.open({ limits: { openWaitMs: 0 } });
    const found = await Promise.all(puts.map(({ digest }) => cache.open(digest).then(bytesOf)));
    expect(found.map((bytes) => bytes?.byteLength)).toEqual(puts.map(() => 1000));
    expect(await cache.stat(puts[0]?.digest as Digest)).toMatchObject({ size: 1000 });
    for (let n = 100; n < 130; n += 1) {
      await cache.put(blob(n));
      expect(bytesIn(directory.path)).toBeLessThanOrEqual(bytesMax);
    }
    await digestsOf(cache);
    expect((await cache.stats()).bytes).toBe(bytesIn(directory.path));
  });
});

describe("a directory that is removed under an open cache", () => {
  it("is made again: reads miss, puts work", async () => {
    const directory = await cacheDirectory();
    const cache = await directory.open();
    const { digest } = await cache.put(blob(1));
    await rm(directory.path, { recursive: true });
    expect(await cache.open(digest)).toBeUndefined();
    expect(await cache.put(blob(2))).toMatchObject({ outcome: "created" });
    expect(await cache.put(blob(1))).toMatchObject({ outcome: "created" });
    expect(await bytesOf(await cache.open(digest))).toEqual(Buffer.from(blob(1)));
    expect((await cache.stats()).bytes).toBe(bytesIn(directory.path));
    for (const folder of ["tmp", "blobs"]) {
      await rm(join(directory.path, folder), { recursive: true });
      expect(await cache.put(blob(3))).toBeDefined();
      expect(await cache.put(blob(4, 300_000), {}).catch(() => undefined)).toBeUndefined();
    }
  });
});
