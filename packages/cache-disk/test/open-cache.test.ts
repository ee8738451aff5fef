import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isStoreError } from "@bitstore/core";
import { diskCache, type DiskCacheOptions } from "@bitstore/cache-disk";
import { blob, cacheDirectory } from "./cache-directory.ts";
import { runChild } from "./child-process.ts";

describe("the options", () => {
  it("that make no sense are refused by name", async () => {
    const { path } = await cacheDirectory();
    const good: DiskCacheOptions = { directory: join(path, "c"), bytesMax: 4096 };
    const bad: readonly [Partial<DiskCacheOptions>, string][] = [
      [{ directory: "" }, "option directory"],
      [{ bytesMax: 0 }, "option bytesMax"],
      [{ bytesMax: 1.5 }, "option bytesMax"],
      [{ bytesMax: Number.NaN }, "option bytesMax"],
      [{ entriesMax: 0 }, "option entriesMax"],
      [{ entryBytesMax: -1 }, "option entryBytesMax"],
      [{ entryBytesMax: 4097 }, "option entryBytesMax"],
    ];
    for (const [options, message] of bad) {
      const opened = diskCache({ ...good, ...options });
      await expect(opened).rejects.toSatisfy((error) => isStoreError(error, "CONFIG_INVALID"));
      await expect(diskCache({ ...good, ...options })).rejects.toThrow(message);
    }
    const cache = await diskCache(good);
    expect((await cache.stats()).bytesMax).toBe(4096);
    await cache[Symbol.asyncDispose]();
  });
});

describe("the directory", () => {
  it("may be made by several at once, of one process even", async () => {
    // Both find no version file and write one; neither may take the other's from under it.
    const { path } = await cacheDirectory();
    const options: DiskCacheOptions = { directory: join(path, "new"), bytesMax: 2 ** 20 };
    const caches = await Promise.all(Array.from({ length: 8 }, () => diskCache(options)));
    const [first, ...others] = caches;
    if (first === undefined) throw new Error("there are eight");
    const { digest } = await first.put(blob(1));
    for (const other of others) expect(await other.stat(digest)).toMatchObject({ digest });
    for (const cache of caches) await cache[Symbol.asyncDispose]();
  });

  it("gets a version file, and one that is newer is refused with what to do", async () => {
    const directory = await cacheDirectory();
    await (await directory.open())[Symbol.asyncDispose]();
    const file = join(directory.path, "_bitstore.json");
    const written = JSON.parse(await readFile(file, "utf8"));
    expect(written).toEqual({
      format: "bitstore-cache",
      layout: "sharded",
      minReader: 1,
      minWriter: 1,
    });
    const others: readonly [string, string][] = [
      [JSON.stringify({ ...written, minReader: 2 }), "newer than this release"],
      [JSON.stringify({ ...written, minWriter: 2 }), "newer than this release"],
      [JSON.stringify({ ...written, minReader: "1" }), "newer than this release"],
      [JSON.stringify({ ...written, layout: "flat" }), "layout"],
      [JSON.stringify({ layout: "sharded", minReader: 1, minWriter: 1 }), "not that of a cache"],
      ["[1", "not that of a cache"],
      ["", "not that of a cache"],
    ];
    for (const [text, message] of others) {
      await writeFile(file, text);
      await expect(directory.open()).rejects.toThrow(message);
      await expect(directory.open()).rejects.toSatisfy((error) =>
        isStoreError(error, "CONFIG_INVALID"),
      );
    }
    // What a later release adds is not this one's business, as long as it may be read and written.
    await writeFile(file, JSON.stringify({ ...written, writtenBy: "9.9.9" }));
    await directory.open();
  });

  it("of something else is refused and not touched; dot-files are nothing else", async () => {
    const directory = await cacheDirectory();
    await mkdir(join(directory.path, "lost+found"));
    await writeFile(join(directory.path, ".keep"), "");
    await writeFile(join(directory.path, "thesis.txt"), "years of work");
    await expect(directory.open()).rejects.toThrow('other things ("thesis.txt")');
    await rm(join(directory.path, "thesis.txt"));
    await directory.open();
  });

  it("that is a file is refused", async () => {
    const { path } = await cacheDirectory();
    await writeFile(join(path, "file"), "");
    for (const directory of [join(path, "file"), join(path, "file", "below")]) {
      const opened = diskCache({ directory, bytesMax: 4096 });
      await expect(opened).rejects.toSatisfy((error) => isStoreError(error, "UNAVAILABLE"));
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)("a directory without permission", () => {
  it("is refused, and so are reads and evictions that the system refuses", async () => {
    // Permissions mean nothing to root, so a child process gives its rights up and tells what it
    // was answered: opening a foreign directory, reading an unreadable blob, evicting from a
    // folder that can't be changed.
    const parent = await mkdtemp(join(tmpdir(), "bitstore-denied-"));
    try {
      await chmod(parent, 0o755);
      await mkdir(join(parent, "foreign"), { mode: 0o700 });
      await mkdir(join(parent, "own"), { mode: 0o700 });
      await chown(join(parent, "own"), 65_534, 65_534);
      const child = runChild("without-rights", parent);
      expect(await child.ended).toEqual({ status: 0, stderr: "" });
      expect(JSON.parse(child.lines[0] ?? "{}")).toEqual({
        open: "PERMISSION_DENIED",
        read: "PERMISSION_DENIED",
        put: "PERMISSION_DENIED",
        entriesAfter: 2,
        putAfter: "created",
      });
    } finally {
      await rm(parent, { recursive: true });
    }
  });
});

it("resolves the same blob for caches in two directories of one process", async () => {
  // No state is shared between caches but what is on their disks.
  const [one, other] = [
    await (await cacheDirectory()).open(),
    await (await cacheDirectory()).open(),
  ];
  const { digest } = await one.put(blob(1));
  expect(await other.open(digest)).toBeUndefined();
  await one[Symbol.asyncDispose]();
  expect(await other.put(blob(1))).toMatchObject({ digest, outcome: "created" });
});
