import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { listNeeds as needs, listSupport } from "./list-support.ts";

/** Lists that begin after a key, end at a limit, and go on over pages. */
export function listBoundCases(suite: BucketSuite): void {
  const { keysOf, plantAll, page } = listSupport(suite);

  suite.test("startAfter is exclusive and need not exist", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, ["a", "b/1", "b/2", "c", "d"]);
    const after = (name: string): Promise<string[]> =>
      keysOf(prefix, { startAfter: prefix + name });
    expect(await after("a")).toEqual(["b/1", "b/2", "c", "d"]);
    expect(await after("aa")).toEqual(["b/1", "b/2", "c", "d"]);
    expect(await after("b")).toEqual(["b/1", "b/2", "c", "d"]);
    expect(await after("b/1")).toEqual(["b/2", "c", "d"]);
    expect(await after("b/2")).toEqual(["c", "d"]);
    expect(await after("b0")).toEqual(["c", "d"]);
    expect(await after("d")).toEqual([]);
    expect(await after("")).toEqual(["a", "b/1", "b/2", "c", "d"]);
    expect(await keysOf(prefix, { startAfter: "!" })).toHaveLength(5);
    expect(await keysOf(prefix, { startAfter: "\u{10ffff}" })).toEqual([]);
  });

  suite.test("limit ends a list", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, ["a", "b", "c"]);
    expect(await keysOf(prefix, { limit: 0 })).toEqual([]);
    expect(await keysOf(prefix, { limit: 1 })).toEqual(["a"]);
    expect(await keysOf(prefix, { limit: 3 })).toEqual(["a", "b", "c"]);
    expect(await keysOf(prefix, { limit: 9 })).toEqual(["a", "b", "c"]);
    expect(await keysOf(prefix, { limit: 1, startAfter: `${prefix}a` })).toEqual(["b"]);
  });

  suite.test(
    `lists go on after a page of ${page}`,
    needs,
    async () => {
      const prefix = suite.freshPrefix();
      const names = Array.from({ length: 2 * page + 10 }, (_, at) => String(at).padStart(6, "0"));
      await plantAll(prefix, names);
      expect(await keysOf(prefix)).toEqual(names);
      expect(await keysOf(prefix, { limit: page })).toEqual(names.slice(0, page));
      expect(await keysOf(prefix, { limit: page + 1 })).toEqual(names.slice(0, page + 1));
      const startAfter = prefix + (names[5] ?? "");
      expect(await keysOf(prefix, { startAfter })).toEqual(names.slice(6));
      expect(await keysOf(prefix, { startAfter, limit: page + 1 })).toEqual(
        names.slice(6, page + 7),
      );
      const some: string[] = [];
      for await (const { key } of suite.bucket.list(prefix)) {
        some.push(key);
        if (some.length === page + 2) break;
      }
      expect(some).toHaveLength(page + 2);
    },
    600_000,
  );
}
