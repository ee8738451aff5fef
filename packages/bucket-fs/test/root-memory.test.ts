import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type RootMemory, fsBucket } from "@bitstore/bucket-fs";
import { StoreError } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { temporaryRoots } from "./fs-harness.ts";

// Directories that somebody remembers: each bucket that is opened here stands for another process,
// and the memory is a variable, or one that does not answer.

const fresh = temporaryRoots();
const bytes = Buffer.from("x");

function memoryOf(isKnown: boolean): RootMemory & { known: () => boolean; asked: () => number } {
  let known = isKnown;
  let asked = 0;
  return {
    id: "memory",
    known: () => known,
    asked: () => asked,
    wasThere: async () => {
      asked += 1;
      return await Promise.resolve(known);
    },
    remember: async () => {
      known = true;
      await Promise.resolve();
    },
  };
}

const mute: RootMemory = {
  id: "mute",
  wasThere: () => Promise.reject(down()),
  remember: () => Promise.reject(down()),
};

function down(): StoreError {
  return new StoreError({ code: "UNAVAILABLE", operation: "head", message: "the memory is down" });
}

describe("a root that is remembered", () => {
  it.each([true, false])("is made where it never was (create=%s)", async (create) => {
    const memory = memoryOf(false);
    const root = join(await fresh(), "disk/root");
    const bucket = await fsBucket({ root, create, memory });
    expect(memory.known()).toBe(create);
    await bucket.put("a.txt", bytes);
    expect(memory.known()).toBe(true);
    const again = await fsBucket({ root, create, memory });
    await again.put("b.txt", bytes);
    expect(memory.asked()).toBe(1);
  });

  it.each([true, false])("is not made anew once it has vanished (create=%s)", async (create) => {
    const memory = memoryOf(false);
    const disk = join(await fresh(), "disk");
    const root = join(disk, "root");
    await (await fsBucket({ root, create, memory })).put("a.txt", bytes);
    await rename(disk, `${disk}-away`);
    await mkdir(disk);
    const bucket = await fsBucket({ root, create, memory });
    await expect(bucket.put("b.txt", bytes)).rejects.toThrow(/was there before and is gone; mount/);
    await expect(bucket.head("a.txt")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      persistence: "transient",
      serviceCode: undefined,
    });
    expect(await readdir(disk)).toEqual([]);
    // Once it is mounted, the same bucket goes on; and so it does where a person has it begin anew.
    await rm(disk, { recursive: true });
    await rename(`${disk}-away`, disk);
    expect((await bucket.head("a.txt"))?.size).toBe(1);
    await bucket.put("b.txt", bytes);
    await rm(disk, { recursive: true });
    await mkdir(join(root, ".tmp-bitstore"), { recursive: true });
    const anew = await fsBucket({ root, create, memory });
    expect(await anew.head("a.txt")).toBeUndefined();
    await anew.put("a.txt", bytes);
  });

  it("is no empty bucket where it is a mount point that is blank", async () => {
    const memory = memoryOf(false);
    const root = join(await fresh(), "disk");
    await mkdir(root);
    const first = await fsBucket({ root, create: true, memory });
    expect(await first.head("a.txt")).toBeUndefined();
    await first.put("a.txt", bytes);
    await rename(root, `${root}-away`);
    await mkdir(join(root, ".Trash"), { recursive: true });
    const bucket = await fsBucket({ root, create: true, memory });
    await expect(bucket.read("a.txt")).rejects.toThrow(/was there before and is gone/);
    await expect(bucket.put("b.txt", bytes)).rejects.toThrow(/was there before and is gone/);
    expect(await readdir(root)).toEqual([".Trash"]);
  });

  it("is not made while its memory does not answer, and used where it is there", async () => {
    const root = join(await fresh(), "root");
    const bucket = await fsBucket({ root, create: true, memory: mute });
    await expect(bucket.head("a.txt")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(bucket.put("a.txt", bytes)).rejects.toThrow("the memory is down");
    await expect(readdir(root)).rejects.toMatchObject({ code: "ENOENT" });
    await (await fsBucket({ root, create: true })).put("a.txt", bytes);
    await bucket.put("b.txt", bytes);
    expect((await bucket.head("a.txt"))?.size).toBe(1);
  });

  it("that was there before anybody remembered it is remembered by its next put", async () => {
    const memory = memoryOf(false);
    const root = await fresh();
    await (await fsBucket({ root })).put("a.txt", bytes);
    const bucket = await fsBucket({ root, create: true, memory });
    expect((await bucket.head("a.txt"))?.size).toBe(1);
    expect(memory.known()).toBe(false);
    await bucket.put("b.txt", bytes);
    expect(memory.known()).toBe(true);
  });
});
