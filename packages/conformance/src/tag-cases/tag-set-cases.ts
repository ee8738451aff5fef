import { expect } from "vitest";
import { all, expectCode } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { at, expectSeq, expectWholeLog, recordOf } from "./tag-support.ts";

const hex32 = /^[0-9a-f]{32}$/;
const hex64 = /^[0-9a-f]{64}$/;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What a set stores, and what reads then say. */
export function tagSetCases(suite: TagSuite): void {
  suite.test("a tag that was never set is absent", async () => {
    const tag = suite.freshTag();
    expect(await suite.log.head(tag)).toBeUndefined();
    expect(await suite.log.head(tag, { maxAgeMs: 60_000 })).toBeUndefined();
    expect(await suite.log.get(tag, 1)).toBeUndefined();
    expect(await suite.log.asOf(tag, new Date())).toBeUndefined();
    expect(await all(suite.log.history(tag))).toEqual([]);
    const problems: never[] = [];
    expect(await suite.log.verify(tag)).toEqual({ tag, seq: 0, sha256: undefined, problems });
  });

  suite.test("the first set", async () => {
    const tag = suite.freshTag();
    const digest = await suite.target(1);
    const entry = await suite.log.append(tag, digest);
    expect(entry).toMatchObject({ namespace: suite.log.namespace, tag, seq: 1, op: "set" });
    expect(entry.target?.digest).toBe(digest);
    expect(entry.prev).toBeUndefined();
    expect(entry.restored).toBeUndefined();
    expect(entry.reason).toBeUndefined();
    expect(entry.annotations).toBeUndefined();
    expect(entry.recent).toEqual([]);
    expect(entry.nonce).toMatch(hex32);
    expect(entry.sha256).toMatch(hex64);
    expect(entry.time).toMatch(rfc3339);
    expect(entry.actor).not.toBe("");
    expect(entry.client).not.toBe("");
    expect(await suite.log.head(tag)).toEqual(entry);
    expect(await suite.log.get(tag, 1)).toEqual(entry);
    expect(await suite.other.head(tag)).toEqual(entry);
    expect(await suite.other.get(tag, 1)).toEqual(entry);
    expect(await all(suite.other.history(tag))).toEqual([recordOf(entry)]);
  });

  suite.test("what a set says is kept", async () => {
    const tag = suite.freshTag();
    const said = { actor: "Zoë <z@example.org>", reason: 'because: "ü"\n\t🚀 \u2028 \\ %2f' };
    const annotations = { build: "17", "a b": " ", ключ: "значение 🚀", empty: "" };
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const entry = await suite.log.append(tag, await suite.target(1), {
      ...said,
      annotations,
      mediaType,
    });
    expect(entry).toMatchObject({ ...said, annotations });
    expect(entry.target?.mediaType).toBe(mediaType);
    expect(await suite.other.head(tag)).toEqual(entry);
    const second = await suite.log.append(tag, await suite.target(2));
    expect(second.target?.mediaType).toBeUndefined();
    expect(second.annotations).toBeUndefined();
    expect(second.reason).toBeUndefined();
    expect(at(second.recent, 0)).toMatchObject(said);
  });

  suite.test("each set appends an entry that is chained to the one before", async () => {
    const tag = suite.freshTag();
    const entries = await suite.fill(tag, 5);
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    for (const [n, entry] of entries.entries()) {
      expect(await suite.other.get(tag, n + 1)).toEqual(entry);
    }
    expect(await suite.other.head(tag)).toEqual(at(entries, 4));
    expect(new Set(entries.map(({ nonce }) => nonce)).size).toBe(5);
    expect(new Set(entries.map(({ sha256 }) => sha256)).size).toBe(5);
    await expectWholeLog(suite.other, tag, 5);
  });

  suite.test("a set of the same digest is an entry as well", async () => {
    const tag = suite.freshTag();
    const digest = await suite.target(1);
    await suite.log.append(tag, digest);
    expect((await suite.log.append(tag, digest)).seq).toBe(2);
    await expectSeq(suite.other, tag, 2);
  });

  suite.test("sequences that are not there are absent", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 2);
    expect(await suite.log.get(tag, 3)).toBeUndefined();
    expect(await suite.log.get(tag, 2 ** 31)).toBeUndefined();
    expect(await suite.log.get(`${tag}x`, 1)).toBeUndefined();
    for (const seq of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      // Whether such a number is refused or absent is the log's to choose; an entry it is not.
      const got = suite.log.get(tag, seq);
      const settled = await got.then(
        (entry) => entry,
        () => undefined,
      );
      expect(settled, `${seq}`).toBeUndefined();
      if (settled === undefined) await got.catch(() => expectCode(got, "INVALID_ARGUMENT"));
    }
  });

  suite.test("tags do not disturb one another", async () => {
    const prefix = suite.freshPrefix();
    const names = ["x", "x/y", "x.y", "xy", "X"].map((name) => prefix + name);
    for (const [n, name] of names.entries()) {
      for (let turn = 0; turn <= n; turn += 1) await suite.log.append(name, await suite.target(n));
    }
    for (const [n, name] of names.entries()) {
      await expectSeq(suite.other, name, n + 1);
      expect((await suite.other.head(name))?.target?.digest).toBe(await suite.target(n));
    }
  });

  suite.test("namespaces do not see one another's tags", async () => {
    const tag = suite.freshTag();
    await suite.log.append(tag, await suite.target(1));
    const apart = await suite.open();
    expect(await apart.head(tag)).toBeUndefined();
    expect(await all(apart.list({ deleted: true }))).toEqual([]);
    expect(await apart.append(tag, await suite.target(2))).toMatchObject({ seq: 1 });
    await expectSeq(suite.log, tag, 1);
  });

  if (suite.harness.absent === undefined) return;
  absentTargetCases(suite, suite.harness.absent);
}

function absentTargetCases(
  suite: TagSuite,
  absent: Parameters<TagSuite["log"]["append"]>[1],
): void {
  suite.test("a digest that is not at the origin is not tagged", async () => {
    const tag = suite.freshTag();
    await expectCode(suite.log.append(tag, absent), "NOT_FOUND");
    expect(await suite.other.head(tag)).toBeUndefined();
    expect(await all(suite.other.list({ prefix: tag, deleted: true }))).toEqual([]);
    await suite.log.append(tag, await suite.target(1));
    await expectCode(suite.log.append(tag, absent), "NOT_FOUND");
    await expectSeq(suite.other, tag, 1);
  });

  suite.test("force tags it", async () => {
    const tag = suite.freshTag();
    const entry = await suite.log.append(tag, absent, { force: true });
    expect(entry).toMatchObject({ seq: 1, op: "set" });
    expect(entry.target?.digest).toBe(absent);
    expect(await suite.other.head(tag)).toEqual(entry);
  });

  suite.test("a rollback to a blob that is gone is refused", async () => {
    const tag = suite.freshTag();
    await suite.log.append(tag, absent, { force: true });
    await suite.log.append(tag, await suite.target(1));
    await expectCode(suite.log.rollback(tag, 1), "NOT_FOUND");
    await expectSeq(suite.other, tag, 2);
  });
}
