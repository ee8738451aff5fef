import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { fsBucket } from "@bitstore/bucket-fs";
import { isStoreError, type Bucket } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { temporaryRoots } from "./fs-harness.ts";

// Nothing follows a symbolic link under the root, and nothing leaves the root. Links are planted
// where the bucket would go, and every operation is asked to go there.

const fresh = temporaryRoots();

async function expectRefused(promise: Promise<unknown>): Promise<void> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  expect(isStoreError(error, "PERMISSION_DENIED"), String(error)).toBe(true);
  expect(String(error)).toMatch(/symbolic link/);
}

async function listed(bucket: Bucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list("")) keys.push(key);
  return keys;
}

describe("links", () => {
  for (const depth of ["top", "deep/er"]) {
    it(`a linked directory at ${depth} is refused by every operation`, async () => {
      const root = await fresh();
      const outside = await fresh();
      await writeFile(join(outside, "blob.txt"), "outside");
      const folder = depth === "top" ? "" : "deep/er/";
      await mkdir(join(root, folder), { recursive: true });
      await symlink(outside, join(root, `${folder}link`));
      const bucket = await fsBucket({ root });
      const key = `${folder}link/blob.txt`;
      await expectRefused(bucket.head(key));
      await expectRefused(bucket.read(key));
      await expectRefused(bucket.delete(key));
      await expectRefused(bucket.put(key, Buffer.from("x")));
      await expectRefused(bucket.put(key, Buffer.from("x"), { ifAbsent: true }));
      await expectRefused(bucket.put(`${folder}link/new/blob.txt`, Buffer.from("x")));
      expect(await listed(bucket)).toEqual([]);
      expect(await readdir(outside)).toEqual(["blob.txt"]);
      expect(await readFile(join(outside, "blob.txt"), "utf8")).toBe("outside");
    });
  }

  it("a linked file is refused, and never written through", async () => {
    const root = await fresh();
    const outside = join(await fresh(), "target.txt");
    await writeFile(outside, "outside");
    await symlink(outside, join(root, "blob.txt"));
    const bucket = await fsBucket({ root });
    await expectRefused(bucket.head("blob.txt"));
    await expectRefused(bucket.read("blob.txt"));
    await expectRefused(bucket.delete("blob.txt"));
    await expectRefused(bucket.put("blob.txt", Buffer.from("x")));
    await expectRefused(bucket.put("blob.txt", Buffer.from("x"), { ifAbsent: true }));
    expect(await listed(bucket)).toEqual([]);
    expect(await readFile(outside, "utf8")).toBe("outside");
  });

  it("a linked folder of temporary files is refused", async () => {
    const root = await fresh();
    const outside = await fresh();
    await symlink(outside, join(root, ".tmp-bitstore"));
    const bucket = await fsBucket({ root });
    await expectRefused(bucket.put("blob.txt", Buffer.from("x")));
    expect(await readdir(outside)).toEqual([]);
  });

  it("the root itself may be a link", async () => {
    const target = await fresh();
    const root = join(await fresh(), "link");
    await symlink(target, root);
    const bucket = await fsBucket({ root });
    await bucket.put("blob.txt", Buffer.from("x"));
    expect(await readFile(join(target, "blob.txt"), "utf8")).toBe("x");
  });

  it("keys that look like ways out stay in", async () => {
    const root = await fresh();
    const bucket = await fsBucket({ root: join(root, "bucket"), create: true });
    for (const key of [
      "../out",
      "../../out",
      "/etc/out",
      "a/../../out",
      "..",
      "./../out",
      "~/out",
    ]) {
      await bucket.put(key, Buffer.from("x"));
      expect((await bucket.head(key))?.size).toBe(1);
    }
    expect(await readdir(root)).toEqual(["bucket"]);
    expect(await listed(bucket)).toHaveLength(7);
  });
});

describe("what is no object", () => {
  it("a named pipe, a directory and foreign files are misses, and are not listed", async () => {
    const root = await fresh();
    await promisify(execFile)("mkfifo", [join(root, "pipe.txt")]);
    await mkdir(join(root, "folder.txt"));
    await writeFile(join(root, "README"), "no key has this path");
    await writeFile(join(root, ".hidden.txt"), "nor this");
    await writeFile(join(root, "seen.txt"), "this one is an object");
    const bucket = await fsBucket({ root });
    for (const key of ["pipe.txt", "folder.txt", "README", ".hidden.txt"]) {
      expect(await bucket.head(key), key).toBeUndefined();
      expect(await bucket.read(key), key).toBeUndefined();
    }
    expect(await listed(bucket)).toEqual(["seen.txt"]);
  });

  it("a put where a directory or a pipe is says so", async () => {
    const root = await fresh();
    await mkdir(join(root, "folder.txt"));
    await writeFile(join(root, "folder"), "a file where a directory must be");
    const bucket = await fsBucket({ root });
    for (const options of [{}, { ifAbsent: true }]) {
      const onto = bucket.put("folder.txt", Buffer.from("x"), options);
      await expect(onto).rejects.toMatchObject({ code: "UNAVAILABLE", persistence: "permanent" });
      const under = bucket.put("folder/x.txt", Buffer.from("x"), options);
      await expect(under).rejects.toMatchObject({ code: "UNAVAILABLE", persistence: "permanent" });
    }
  });
});
