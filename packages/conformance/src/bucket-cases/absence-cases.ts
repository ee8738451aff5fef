import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { all, expectCode } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";

/** What is not there: a miss is an answer, a bucket that does not exist is none. */
export function absenceCases(suite: BucketSuite): void {
  suite.test("head and read of an absent object are misses", [], async () => {
    await suite.expectStored(`${suite.freshPrefix()}absent`, undefined);
    await suite.expectStored(`${suite.freshPrefix()}deep/er/absent`, undefined);
  });

  suite.test("a prefix of keys is no object", [], async () => {
    const prefix = suite.freshPrefix();
    await suite.plant(`${prefix}folder/blob`, seededBytes(10));
    await suite.expectStored(`${prefix}folder`, undefined);
    await suite.expectStored(`${prefix}fold`, undefined);
  });

  suite.test("delete answers whether there was one", ["write", "delete"], async () => {
    const key = `${suite.freshPrefix()}blob`;
    expect(await suite.bucket.delete(key)).toBe(false);
    await suite.bucket.put(key, seededBytes(10));
    expect(await suite.bucket.delete(key)).toBe(true);
    await suite.expectStored(key, undefined);
    expect(await suite.bucket.delete(key)).toBe(false);
  });

  suite.test("delete takes nothing else with it", ["write", "delete"], async () => {
    const prefix = suite.freshPrefix();
    await suite.bucket.put(`${prefix}folder/a`, seededBytes(10, 1));
    await suite.bucket.put(`${prefix}folder/b`, seededBytes(10, 2));
    await suite.bucket.put(`${prefix}folder-c`, seededBytes(10, 3));
    expect(await suite.bucket.delete(`${prefix}folder`)).toBe(false);
    expect(await suite.bucket.delete(`${prefix}folder/a`)).toBe(true);
    await suite.expectStored(`${prefix}folder/a`, undefined);
    await suite.expectStored(`${prefix}folder/b`, seededBytes(10, 2));
    await suite.expectStored(`${prefix}folder-c`, seededBytes(10, 3));
    expect(await suite.bucket.delete(`${prefix}folder/b`)).toBe(true);
    await suite.bucket.put(`${prefix}folder/b`, seededBytes(10, 4));
    await suite.expectStored(`${prefix}folder/b`, seededBytes(10, 4));
  });

  suite.test(
    "a deleted object is gone for every handle and list",
    ["write", "delete"],
    async () => {
      const prefix = suite.freshPrefix();
      const other = await suite.harness.reopen();
      await suite.bucket.put(`${prefix}blob`, seededBytes(10));
      expect(await other.delete(`${prefix}blob`)).toBe(true);
      await suite.expectStored(`${prefix}blob`, undefined);
      if (suite.bucket.capabilities.list) expect(await all(suite.bucket.list(prefix))).toEqual([]);
    },
  );

  suite.test("another namespace is empty", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(10));
    const fresh = await suite.harness.open();
    expect(await fresh.head(key)).toBeUndefined();
    expect(await fresh.read(key)).toBeUndefined();
    if (fresh.capabilities.list) {
      expect(await all(fresh.list(""))).toEqual([]);
      expect(await all(fresh.listPrefixes(""))).toEqual([]);
    }
  });

  suite.test("disposing one handle leaves the others usable", [], async () => {
    const key = `${suite.freshPrefix()}blob`;
    await suite.plant(key, seededBytes(10));
    const other = await suite.harness.reopen();
    await other[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await suite.expectStored(key, seededBytes(10));
  });

  if (suite.harness.openMissing === undefined) return;
  suite.test("a bucket that does not exist is UNAVAILABLE, never a miss", [], async () => {
    const missing = await suite.harness.openMissing?.();
    if (missing === undefined) return;
    await expectCode(missing.head("key"), "UNAVAILABLE");
    await expectCode(missing.read("key"), "UNAVAILABLE");
    const range = { start: 0, end: 1 };
    if (missing.capabilities.rangeRead) {
      await expectCode(missing.read("key", { range }), "UNAVAILABLE");
    }
    if (missing.capabilities.list) {
      await expectCode(all(missing.list("")), "UNAVAILABLE");
      await expectCode(all(missing.listPrefixes("")), "UNAVAILABLE");
    }
    if (missing.capabilities.delete) await expectCode(missing.delete("key"), "UNAVAILABLE");
    if (missing.capabilities.write) {
      // A service refuses; a directory is made by the first put, and is no longer missing then.
      const putting = missing.put("key", seededBytes(10));
      const [put] = await Promise.allSettled([putting]);
      if (put.status === "rejected") await expectCode(putting, "UNAVAILABLE");
      else expect((await missing.head("key"))?.size).toBe(10);
    }
    await missing[Symbol.asyncDispose]();
  });
}
