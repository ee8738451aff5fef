import { execFileSync } from "node:child_process";
import { mkdir, readdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { fsBucket } from "@bitstore/bucket-fs";
import { seededBytes } from "@bitstore/conformance";
import { afterAll, describe, expect, it } from "vitest";
import { temporaryRoots } from "./fs-harness.ts";

// A disk that is full or read-only: real ones, of memory, where this process may mount them. And a
// file that is cut while it is read.

const fresh = temporaryRoots();
const MiB = 1024 * 1024;
const mounted: string[] = [];

function mount(at: string, options: string): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", at], { stdio: "pipe" });
  mounted.push(at);
}

const mayMount = await (async () => {
  const at = await fresh();
  try {
    mount(at, "size=1m");
    return true;
  } catch {
    process.stderr.write("bad disks are skipped: this process may not mount a tmpfs\n");
    return false;
  }
})();

afterAll(() => {
  for (const at of mounted.toReversed()) execFileSync("umount", [at]);
});

describe.skipIf(!mayMount)("a bad disk", () => {
  it("that is full: UNAVAILABLE for good, nothing visible, and room again afterwards", async () => {
    const root = await fresh();
    mount(root, "size=2m");
    const bucket = await fsBucket({ root });
    await bucket.put("old.bin", seededBytes(1000));
    for (const body of [
      seededBytes(4 * MiB),
      async function* () {
        for (let part = 0; part < 8; part += 1) yield seededBytes(MiB / 2, part);
      },
    ]) {
      const putting = bucket.put("new.bin", body);
      await expect(putting).rejects.toMatchObject({
        code: "UNAVAILABLE",
        persistence: "permanent",
      });
      await expect(putting).rejects.toThrow(/disk is full/);
      const over = bucket.put("old.bin", body);
      await expect(over).rejects.toThrow(/disk is full/);
    }
    expect(await bucket.head("new.bin")).toBeUndefined();
    expect((await bucket.head("old.bin"))?.size).toBe(1000);
    expect(await readdir(join(root, ".tmp-bitstore"))).toEqual([]);
    await bucket.put("new.bin", seededBytes(MiB));
    expect((await bucket.head("new.bin"))?.size).toBe(MiB);
  });

  it("that is read-only: it is read, and writes are PERMISSION_DENIED", async () => {
    const root = await fresh();
    mount(root, "size=2m");
    await (await fsBucket({ root })).put("old.bin", seededBytes(1000));
    execFileSync("mount", ["-o", "remount,ro", root]);
    const bucket = await fsBucket({ root });
    expect(await (await bucket.read("old.bin"))?.bytes()).toHaveLength(1000);
    for (const write of [
      () => bucket.put("old.bin", seededBytes(10)),
      () => bucket.put("new.bin", seededBytes(10)),
      () => bucket.delete("old.bin"),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    }
  });

  it("that begins below the root: UNSUPPORTED, with what to do", async () => {
    const root = await fresh();
    await mkdir(join(root, "other"));
    mount(join(root, "other"), "size=2m");
    const bucket = await fsBucket({ root });
    const putting = bucket.put("other/a.txt", seededBytes(10));
    await expect(putting).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(putting).rejects.toThrow(/another file system/);
  });
});

describe("a file that somebody cuts while it is read", () => {
  it("ends in UNAVAILABLE, never cleanly", async () => {
    const root = await fresh();
    const bucket = await fsBucket({ root });
    await bucket.put("a.bin", seededBytes(MiB));
    const content = await bucket.read("a.bin");
    await truncate(join(root, "a.bin"), 300_000);
    await expect(content?.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
