import { compareTagNames, type TagLog } from "@bitstore/core";
import { expect } from "vitest";
import { all } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { oneTo } from "./tag-support.ts";

/** Names below a case's prefix, of which many start alike. */
const names: readonly string[] = [
  "a",
  "a-b",
  "a.",
  "a..",
  "a...",
  "a..b",
  "a.b",
  "a/b",
  "a/b/c",
  "a/b.",
  "aB",
  "aa",
  "ab",
  "A",
  "A/b",
  "b",
  "v1.0",
  "v1.0.",
  "v1.0.0",
  "v1.0/x",
  "v1_0",
];

interface Listed {
  readonly log: TagLog;
  /** The names, in the order of a list. */
  readonly sorted: readonly string[];
}

/** The names of tags: order, bounds, prefixes, and which are left out. */
export function tagListCases(suite: TagSuite): void {
  let opening: Promise<Listed> | undefined;
  /** A namespace with these names and no other, written once. */
  const listed = (): Promise<Listed> => {
    opening ??= (async () => {
      const log = await suite.open();
      const digest = await suite.target(1);
      for (const name of names.toReversed()) await log.append(name, digest);
      return { log, sorted: names.toSorted(compareTagNames) };
    })();
    return opening;
  };

  suite.test("an empty namespace lists nothing", async () => {
    const log = await suite.open();
    expect(await all(log.list())).toEqual([]);
    expect(await all(log.list({ prefix: "a", deleted: true, limit: 3 }))).toEqual([]);
    expect(log.namespace).not.toBe("");
    expect(log.name).not.toBe("");
  });

  suite.test("names come in the order of `compareTagNames`", async () => {
    const { log, sorted } = await listed();
    expect(await all(log.list())).toEqual(sorted);
    // The order of the names themselves is another, which the list must not have.
    expect(sorted).not.toEqual(sorted.toSorted());
  });

  const prefixes = ["", "a", "a.", "a..", "a...", "a....", "a/", "a/b", "a/b.", "aB", "A", "A/"];
  for (const prefix of [...prefixes, "v1.0", "v1.0.", "v1.", "v1_", "v", "z", ".", "-"]) {
    suite.test(`names that start with ${JSON.stringify(prefix)}`, async () => {
      const { log, sorted } = await listed();
      const expected = sorted.filter((name) => name.startsWith(prefix));
      expect(await all(log.list({ prefix }))).toEqual(expected);
      expect(await all(log.list({ prefix, limit: 2 }))).toEqual(expected.slice(0, 2));
      const [first = "a"] = expected;
      const startAfter = first;
      expect(await all(log.list({ prefix, startAfter }))).toEqual(expected.slice(1));
    });
  }

  suite.test("a prefix that no name can have lists nothing, or is refused", async () => {
    const { log } = await listed();
    for (const prefix of ["a%2f", "%", "a/b%2e", "é", "a ", "/", "a//", "../", "a".repeat(256)]) {
      const found = await all(log.list({ prefix })).catch(() => []);
      expect(found, prefix).toEqual([]);
    }
  });

  suite.test("startAfter leaves out that name and those before", async () => {
    const { log, sorted } = await listed();
    for (const startAfter of [...names, "0", "a.a", "a/a", "a/z", "ZZ", "v1.0...", "zz"]) {
      const expected = sorted.filter((name) => compareTagNames(startAfter, name) < 0);
      expect(await all(log.list({ startAfter })), startAfter).toEqual(expected);
    }
  });

  suite.test("limit ends the list, and pages join without a gap", async () => {
    const { log, sorted } = await listed();
    for (const limit of [1, 2, sorted.length - 1, sorted.length, sorted.length + 1, 5000]) {
      expect(await all(log.list({ limit }))).toEqual(sorted.slice(0, limit));
    }
    for (const limit of [1, 4, 7]) {
      const paged: string[] = [];
      while (paged.length <= sorted.length) {
        const page = await all(log.list({ limit, startAfter: paged.at(-1) }));
        expect(page.length).toBeLessThanOrEqual(limit);
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged).toEqual(sorted);
    }
  });

  suite.test("a list that is left early leaves the log usable", async () => {
    const { log, sorted } = await listed();
    for await (const name of log.list()) {
      expect(name).toBe(sorted[0]);
      break;
    }
    expect(await all(log.list())).toEqual(sorted);
  });

  deletedCases(suite);
}

function deletedCases(suite: TagSuite): void {
  suite.test("deleted tags are left out unless asked for", async () => {
    const prefix = suite.freshPrefix();
    const tags = ["A", "a", "a.", "b/c", "b/d", "c"]
      .map((name) => prefix + name)
      .toSorted(compareTagNames);
    const digest = await suite.target(1);
    for (const tag of tags) await suite.log.append(tag, digest);
    const deleted = tags.filter((_, n) => n % 2 === 0);
    for (const tag of deleted) await suite.log.remove(tag);
    const live = tags.filter((tag) => !deleted.includes(tag));
    for (const log of [suite.log, suite.other]) {
      expect(await all(log.list({ prefix }))).toEqual(live);
      expect(await all(log.list({ prefix, deleted: false }))).toEqual(live);
      expect(await all(log.list({ prefix, deleted: true }))).toEqual(tags);
    }
    // A limit counts what is listed, and a deleted name is one to start after.
    expect(await all(suite.other.list({ prefix, limit: 2 }))).toEqual(live.slice(0, 2));
    expect(await all(suite.other.list({ prefix, limit: 1, startAfter: tags[0] }))).toEqual([
      live[0],
    ]);
    const after = await all(suite.other.list({ prefix, startAfter: tags[2], deleted: true }));
    expect(after).toEqual(tags.slice(3));
  });

  suite.test("a tag that was deleted is listed once it is set or rolled back", async () => {
    const tag = suite.freshTag();
    const list = (log: TagLog) => all(log.list({ prefix: tag }));
    await suite.fill(tag, 1);
    for (const turn of [1, 2, 3]) {
      await suite.log.remove(tag);
      expect(await list(suite.other)).toEqual([]);
      if (turn === 2) await suite.other.rollback(tag, 1);
      else await suite.other.append(tag, await suite.target(turn));
      expect(await list(suite.log)).toEqual([tag]);
      expect(await list(suite.other)).toEqual([tag]);
    }
    await suite.log.annotate(tag, { key: "value" });
    expect(await list(suite.other)).toEqual([tag]);
  });

  suite.test("a deleted tag does not hide those that start alike", async () => {
    const prefix = suite.freshPrefix();
    const tags = ["x", "x.", "x/y", "xy", "X"]
      .map((name) => prefix + name)
      .toSorted(compareTagNames);
    const digest = await suite.target(1);
    for (const tag of tags) await suite.log.append(tag, digest);
    for (const gone of tags) {
      await suite.log.remove(gone);
      const left = tags.filter((tag) => tag !== gone);
      expect(await all(suite.other.list({ prefix }))).toEqual(left);
      await suite.log.append(gone, digest);
    }
  });

  suite.test("many deleted tags before a live one", async () => {
    const prefix = suite.freshPrefix();
    const digest = await suite.target(1);
    const tags = oneTo(30).map((n) => `${prefix}${String(n).padStart(3, "0")}`);
    for (const tag of tags) await suite.log.append(tag, digest);
    for (const tag of tags.slice(0, -1)) await suite.log.remove(tag);
    expect(await all(suite.other.list({ prefix, limit: 1 }))).toEqual(tags.slice(-1));
    expect(await all(suite.other.list({ prefix }))).toEqual(tags.slice(-1));
  });
}
