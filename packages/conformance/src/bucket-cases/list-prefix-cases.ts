import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { all } from "../expectations.ts";
import { listNeeds as needs, listSupport } from "./list-support.ts";

/** Lists of the folders one level below a prefix. */
export function listPrefixCases(suite: BucketSuite): void {
  const { foldersOf, plantAll, page } = listSupport(suite);

  suite.test("listPrefixes lists one level", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, ["a-", "a/1", "a/2", "a0/x", "b/1/x", "b/2", "c", "é/x", "\u{1f600}/x"]);
    expect(await foldersOf(prefix)).toEqual(["a/", "a0/", "b/", "é/", "\u{1f600}/"]);
    const under = await all(suite.bucket.listPrefixes(`${prefix}b/`));
    expect(under).toEqual([`${prefix}b/1/`]);
    expect(await all(suite.bucket.listPrefixes(`${prefix}a`))).toEqual([
      `${prefix}a/`,
      `${prefix}a0/`,
    ]);
    expect(await all(suite.bucket.listPrefixes(`${prefix}c`))).toEqual([]);
  });

  suite.test("listPrefixes: startAfter and limit", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, ["a", "a/1", "a/2", "b/1", "c/1", "c/2", "d"].slice(1));
    const after = (name: string, limit?: number): Promise<string[]> =>
      foldersOf(prefix, { startAfter: prefix + name, limit });
    expect(await after("a/")).toEqual(["b/", "c/"]);
    expect(await after("a/1")).toEqual(["b/", "c/"]);
    expect(await after("a")).toEqual(["a/", "b/", "c/"]);
    expect(await after("b0")).toEqual(["c/"]);
    expect(await after("c/")).toEqual([]);
    expect(await after("a/", 1)).toEqual(["b/"]);
    expect(await foldersOf(prefix, { limit: 0 })).toEqual([]);
    expect(await foldersOf(prefix, { limit: 2 })).toEqual(["a/", "b/"]);
  });

  if (page > 100) return;
  suite.test(`listPrefixes goes on after a page of ${page}`, needs, async () => {
    const prefix = suite.freshPrefix();
    const folders = Array.from({ length: page + 3 }, (_, at) => `${String(at).padStart(4, "0")}/`);
    await plantAll(
      prefix,
      folders.flatMap((folder) => [`${folder}1`, `${folder}2`]),
    );
    expect(await foldersOf(prefix)).toEqual(folders);
    expect(await foldersOf(prefix, { limit: page + 1 })).toEqual(folders.slice(0, page + 1));
  });
}
