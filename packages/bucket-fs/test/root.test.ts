import { mkdir, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fsBucket } from "@bitstore/bucket-fs";
import { chunked, seededBytes } from "@bitstore/conformance";
import { type Bucket, bucketStore, flatLayout, parseDigest, shardedLayout } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { foldsNames } from "../src/folds-names.ts";
import { temporaryRoots } from "./fs-harness.ts";

// The root: when it is made, when it is missed, and what of it is left alone.

const fresh = temporaryRoots();
const day = 24 * 3600;

async function collectKeys(bucket: Bucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list("")) keys.push(key);
  return keys;
}

describe("the root", () => {
  it("is UNAVAILABLE until the first put makes it", async () => {
    const root = join(await fresh(), "not/there");
    const bucket = await fsBucket({ root });
    await expect(bucket.head("a.txt")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(bucket.read("a.txt")).rejects.toThrow(/does not exist; make it/);
    await bucket.put("a.txt", Buffer.from("x"));
    expect(await bucket.head("b.txt")).toBeUndefined();
    expect((await bucket.head("a.txt"))?.size).toBe(1);
  });

  it("is made by the first put of a store too, whose format no read could look for", async () => {
    // A store reads its format before it puts. Reads stay unanswered until there is a directory, and a
    // directory that was there and has vanished is a lost disk, which no put may paper over.
    const root = join(await fresh(), "not/there");
    const bucket = await fsBucket({ root });
    const store = bucketStore(bucket, shardedLayout(""));
    const digest = parseDigest("0".repeat(64));
    await expect(store.open(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(store.stat(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const put = await store.put(Buffer.from("x"));
    expect(await (await store.open(put.digest))?.bytes()).toEqual(Buffer.from("x"));
    expect(await store.stat(digest)).toBeUndefined();
    expect((await readdir(root)).sort()).toEqual([".tmp-bitstore", "_bitstore.json", "sha256"]);

    await rename(root, `${root}-away`);
    const lost = bucketStore(bucket, shardedLayout(""));
    await expect(lost.put(Buffer.from("y"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(readdir(root)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("is made at once where that is asked", async () => {
    const bucket = await fsBucket({ root: join(await fresh(), "not/there"), create: true });
    expect(await bucket.head("a.txt")).toBeUndefined();
  });

  it("that is a file is UNAVAILABLE until there is a directory in its place", async () => {
    const root = join(await fresh(), "file");
    await writeFile(root, "");
    for (const at of [root, join(root, "under")]) {
      const bucket = await fsBucket({ root: at, create: true });
      await expect(bucket.head("a.txt")).rejects.toMatchObject({ code: "UNAVAILABLE" });
      await expect(bucket.put("a.txt", Buffer.from("x"))).rejects.toMatchObject({
        code: "UNAVAILABLE",
      });
    }
    const bucket = await fsBucket({ root });
    await rm(root);
    await bucket.put("a.txt", Buffer.from("x"));
    expect((await bucket.head("a.txt"))?.size).toBe(1);
  });

  it("that is another directory than before is no empty bucket", async () => {
    // An unmounted disk leaves such a directory behind.
    const root = join(await fresh(), "disk");
    const bucket = await fsBucket({ root, create: true });
    await bucket.put("a.txt", Buffer.from("x"));
    await rename(root, `${root}-away`);
    await expect(bucket.head("a.txt")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await mkdir(root);
    await expect(bucket.head("a.txt")).rejects.toThrow(/another directory/);
    await expect(bucket.read("a.txt")).rejects.toThrow(/another directory/);
    await expect(bucket.delete("a.txt")).rejects.toThrow(/another directory/);
    await expect(collectKeys(bucket)).rejects.toThrow(/another directory/);
    await expect(bucket.put("b.txt", Buffer.from("x"))).rejects.toThrow(/another directory/);
    expect(await readdir(root)).toEqual([]);
    await rm(root, { recursive: true });
    await rename(`${root}-away`, root);
    expect((await bucket.head("a.txt"))?.size).toBe(1);
  });

  it("that is only read is left untouched", async () => {
    const root = await fresh();
    await writeFile(join(root, "a.txt"), "x");
    const bucket = await fsBucket({ root });
    await (await bucket.read("a.txt"))?.bytes();
    expect(await bucket.delete("b.txt")).toBe(false);
    expect(await readdir(root)).toEqual(["a.txt"]);
  });

  it("loses temporary files that are a day old when it is opened, and no others", async () => {
    const root = await fresh();
    const folder = join(root, ".tmp-bitstore");
    await mkdir(join(folder, "lock-old/x"), { recursive: true });
    for (const name of ["old", "new"]) await writeFile(join(folder, name), "left behind");
    const before = await readdir(folder);
    await fsBucket({ root });
    expect(await readdir(folder)).toEqual(before);
    // The change time can't be set, so it is the bucket's clock that goes on.
    const { removeStale } = await import("../src/remove-stale.ts");
    await removeStale(folder, Date.now() + (day - 60) * 1000);
    expect(await readdir(folder)).toEqual(before);
    await utimes(join(folder, "new"), Date.now() / 1000 + day, Date.now() / 1000 + day);
    await removeStale(folder, Date.now() + (day + 60) * 1000);
    expect(await readdir(folder)).toEqual(["new"]);
  });

  it("holds no temporary file after puts that went well or badly", async () => {
    const root = await fresh();
    const bucket = await fsBucket({ root });
    const bytes = seededBytes(100_000);
    await bucket.put("a.txt", bytes);
    await bucket.put("a.txt", chunked(bytes));
    await bucket.put("a.txt", bytes, { ifAbsent: true });
    await bucket.put("a.txt", bytes, { ifVersion: (await bucket.head("a.txt"))?.version });
    await expect(bucket.put("a.txt", bytes, { ifVersion: "no" })).rejects.toThrow();
    await expect(bucket.put("b.txt", bytes, { size: 5 })).rejects.toThrow();
    const failing = bucket.put("b.txt", () => {
      throw new Error("own");
    });
    await expect(failing).rejects.toThrow("own");
    await bucket.delete("a.txt");
    expect(await readdir(join(root, ".tmp-bitstore"))).toEqual([]);
  });
});

describe("layouts", () => {
  it("are the plain paths that other programs write and read", async () => {
    const root = await fresh();
    const sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
    await mkdir(join(root, "flat"));
    await writeFile(join(root, "flat", sha1), "abc");
    const bucket = await fsBucket({ root });
    const flat = bucketStore(bucket, flatLayout("flat/", "sha1"));
    const content = await flat.open(parseDigest(sha1));
    expect(Buffer.from((await content?.bytes()) ?? []).toString()).toBe("abc");
    const sharded = bucketStore(bucket, shardedLayout("tree/"));
    const { digest } = await sharded.put(Buffer.from("abc"));
    const hex = digest.slice("sha256:".length);
    expect(await readdir(join(root, "tree/sha256/ba/78"))).toEqual([hex]);
  });
});

describe("folded names", () => {
  it("are found out by looking at a name under its swapped case", async () => {
    const root = await fresh();
    await writeFile(join(root, "123"), "");
    expect(await foldsNames(root, "none", "linux")).toBe(false);
    await writeFile(join(root, "Name"), "");
    expect(await foldsNames(root, "none", "linux")).toBe(false);
    expect(await foldsNames(root, "none", "darwin")).toBe(true);
  });
});
