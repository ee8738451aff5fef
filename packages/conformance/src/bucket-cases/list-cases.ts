import { compareKeys } from "@bitstore/core";
import { expect } from "vitest";
import type { BucketSuite } from "../bucket-suite.ts";
import { all } from "../expectations.ts";
import { seededBytes } from "../seeded-bytes.ts";
import { weirdKeys } from "../weird-keys.ts";
import { listNeeds as needs, listSupport } from "./list-support.ts";

/** Keys whose order differs between paths, UTF-16 and UTF-8. None is a folder of another. */
const unordered: readonly string[] = [
  "b",
  "a-b",
  "a.b",
  "a/b",
  "a/c/d",
  "a0",
  "A",
  "Z",
  "a b",
  "\uff01",
  "\u{1f600}",
  "\ue000",
  "é",
  "~",
];

/** Lists: what is in them, and in which order. */
export function listCases(suite: BucketSuite): void {
  const { keysOf, foldersOf, plantAll } = listSupport(suite);
  const inOrder = (names: readonly string[]): string[] =>
    [...names].sort(suite.deviates("lists-by-utf16") ? undefined : compareKeys);

  suite.test("an empty prefix lists nothing", ["list"], async () => {
    expect(await keysOf(suite.freshPrefix())).toEqual([]);
    expect(await foldersOf(suite.freshPrefix())).toEqual([]);
  });

  suite.test("keys are listed in the order of their UTF-8 bytes", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, unordered);
    expect(await keysOf(prefix)).toEqual(inOrder(unordered));
  });

  suite.test("weird keys are listed in order, as they are", needs, async () => {
    const prefix = suite.freshPrefix();
    const refused = suite.harness.keysRefused ?? [];
    const keys = weirdKeys.filter((key) => !refused.includes(key));
    await plantAll(prefix, keys);
    expect(await keysOf(prefix)).toEqual(inOrder(keys));
    for (const startAfter of keys.slice(0, 12)) {
      const after = inOrder(keys).slice(inOrder(keys).indexOf(startAfter) + 1);
      expect(await keysOf(prefix, { startAfter: prefix + startAfter }), startAfter).toEqual(after);
    }
  });

  suite.test("a list says what head says", needs, async () => {
    const prefix = suite.freshPrefix();
    for (const size of [0, 1, 70_000]) await suite.plant(`${prefix}${size}`, seededBytes(size));
    const listed = await all(suite.bucket.list(prefix));
    expect(listed).toHaveLength(3);
    for (const info of listed) {
      const head = await suite.bucket.head(info.key);
      expect(info.size).toBe(head?.size);
      expect(info.version).toBe(head?.version);
      expect(info.archived).toBe(false);
    }
  });

  suite.test("a prefix need not end at a segment", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, ["ab", "abc", "abd/e", "ac", "b", "aB"]);
    expect(await keysOf(prefix)).toEqual(["aB", "ab", "abc", "abd/e", "ac", "b"]);
    const under = async (part: string): Promise<string[]> =>
      (await all(suite.bucket.list(prefix + part))).map(({ key }) => key.slice(prefix.length));
    expect(await under("ab")).toEqual(["ab", "abc", "abd/e"]);
    expect(await under("abd")).toEqual(["abd/e"]);
    expect(await under("abd/")).toEqual(["abd/e"]);
    expect(await under("abd/e")).toEqual(["abd/e"]);
    expect(await under("abd/e/")).toEqual([]);
    expect(await under("x")).toEqual([]);
  });

  suite.test("lists can be left early, often", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, ["a", "b", "c"]);
    for (let turn = 0; turn < 50; turn += 1) {
      for await (const { key } of suite.bucket.list(prefix)) {
        expect(key).toBe(`${prefix}a`);
        break;
      }
    }
    expect(await keysOf(prefix)).toEqual(["a", "b", "c"]);
  });

  suite.test("two lists at once are the same", needs, async () => {
    const prefix = suite.freshPrefix();
    await plantAll(prefix, ["a", "b", "c"]);
    const [one, other] = await Promise.all([keysOf(prefix), keysOf(prefix)]);
    expect(one).toEqual(other);
  });
}
