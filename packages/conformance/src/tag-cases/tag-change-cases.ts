import { expect } from "vitest";
import { all, expectCode } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { at, expectSeq, expectWholeLog, recordOf } from "./tag-support.ts";

/** Tombstones, rollbacks and annotations: entries like any other. */
export function tagChangeCases(suite: TagSuite): void {
  removeCases(suite);
  rollbackCases(suite);
  annotateCases(suite);
}

function removeCases(suite: TagSuite): void {
  suite.test("a remove appends a tombstone, and the history stays", async () => {
    const tag = suite.freshTag();
    const entries = await suite.fill(tag, 2);
    const said = { actor: "remover", reason: "not needed" };
    const tombstone = await suite.log.remove(tag, said);
    expect(tombstone).toMatchObject({ tag, seq: 3, op: "delete", ...said });
    expect(tombstone.target).toBeUndefined();
    expect(await suite.other.head(tag)).toEqual(tombstone);
    expect(await suite.other.get(tag, 3)).toEqual(tombstone);
    expect(await suite.other.get(tag, 1)).toEqual(at(entries, 0));
    const records = [...entries, tombstone].map(recordOf).toReversed();
    expect(await all(suite.other.history(tag))).toEqual(records);
    expect(at(records, 0).digest).toBeUndefined();
    await expectWholeLog(suite.other, tag, 3);
  });

  suite.test("a remove of a tag that is absent or deleted is NOT_FOUND", async () => {
    const tag = suite.freshTag();
    await expectCode(suite.log.remove(tag), "NOT_FOUND");
    expect(await suite.other.head(tag)).toBeUndefined();
    expect(await all(suite.other.list({ prefix: tag, deleted: true }))).toEqual([]);
    await suite.fill(tag, 1);
    await suite.log.remove(tag);
    await expectCode(suite.log.remove(tag), "NOT_FOUND");
    await expectCode(suite.other.remove(tag), "NOT_FOUND");
    await expectSeq(suite.other, tag, 2);
  });

  suite.test("a deleted tag is set, and deleted, again", async () => {
    const tag = suite.freshTag();
    for (const turn of [0, 1, 2]) {
      const set = await suite.log.append(tag, await suite.target(turn));
      expect(set).toMatchObject({ seq: 2 * turn + 1, op: "set" });
      expect(await all(suite.other.list({ prefix: tag }))).toEqual([tag]);
      expect(await suite.other.remove(tag)).toMatchObject({ seq: 2 * turn + 2, op: "delete" });
      expect(await all(suite.log.list({ prefix: tag }))).toEqual([]);
    }
    await expectWholeLog(suite.log, tag, 6);
  });
}

function rollbackCases(suite: TagSuite): void {
  suite.test("a rollback appends a copy of an entry", async () => {
    const tag = suite.freshTag();
    const mediaType = "text/plain";
    const first = await suite.log.append(tag, await suite.target(1), { mediaType });
    await suite.log.append(tag, await suite.target(2));
    const restored = await suite.log.rollback(tag, 1, { reason: "it was better" });
    const expected = { tag, seq: 3, op: "restore", restored: 1, reason: "it was better" };
    expect(restored).toMatchObject(expected);
    expect(restored.target).toEqual(first.target);
    expect(restored.nonce).not.toBe(first.nonce);
    expect(await suite.other.head(tag)).toEqual(restored);
    expect(await suite.other.get(tag, 1)).toEqual(first);
    expect(at(await all(suite.other.history(tag)), 0)).toEqual(recordOf(restored));
    await expectWholeLog(suite.other, tag, 3);
  });

  suite.test("a rollback restores a deleted tag, the newest entry, and a rollback", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    await suite.log.remove(tag);
    const restored = await suite.log.rollback(tag, 1);
    expect(restored).toMatchObject({ seq: 3, op: "restore", restored: 1 });
    expect(await all(suite.other.list({ prefix: tag }))).toEqual([tag]);
    const same = await suite.log.rollback(tag, 3);
    expect(same).toMatchObject({ seq: 4, op: "restore", restored: 3 });
    expect(same.target).toEqual(restored.target);
    await expectWholeLog(suite.other, tag, 4);
  });

  suite.test("a rollback of a tombstone is refused", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    await suite.log.remove(tag);
    await expectCode(suite.log.rollback(tag, 2), "INVALID_ARGUMENT");
    await suite.log.append(tag, await suite.target(1));
    await expectCode(suite.log.rollback(tag, 2), "INVALID_ARGUMENT");
    await expectSeq(suite.other, tag, 3);
  });

  suite.test("a rollback of a sequence that is not there is NOT_FOUND", async () => {
    const tag = suite.freshTag();
    await expectCode(suite.log.rollback(tag, 1), "NOT_FOUND");
    expect(await suite.other.head(tag)).toBeUndefined();
    await suite.fill(tag, 2);
    await expectCode(suite.log.rollback(tag, 3), "NOT_FOUND");
    await expectCode(suite.log.rollback(tag, 2 ** 31), "NOT_FOUND");
    for (const seq of [0, -1, 1.5, Number.NaN]) {
      await expectCode(suite.log.rollback(tag, seq), "NOT_FOUND", "INVALID_ARGUMENT");
    }
    await expectSeq(suite.other, tag, 2);
  });
}

function annotateCases(suite: TagSuite): void {
  suite.test("annotate keeps the target and says something else of it", async () => {
    const tag = suite.freshTag();
    const mediaType = "text/plain";
    const first = await suite.log.append(tag, await suite.target(1), {
      mediaType,
      annotations: { stage: "test", gone: "soon" },
    });
    const said = { actor: "annotator", reason: "released" };
    const second = await suite.log.annotate(tag, { stage: "production" }, said);
    expect(second).toMatchObject({ tag, seq: 2, op: "annotate", ...said });
    expect(second.annotations).toEqual({ stage: "production" });
    expect(second.target).toEqual(first.target);
    expect(await suite.other.head(tag)).toEqual(second);
    expect(at(await all(suite.other.history(tag)), 0)).toEqual(recordOf(second));
    const third = await suite.log.annotate(tag, {});
    expect(third.annotations ?? {}).toEqual({});
    expect(third.target).toEqual(first.target);
    await expectWholeLog(suite.other, tag, 3);
  });

  suite.test("annotate keeps the target that another handle has set since", async () => {
    const tag = suite.freshTag();
    await suite.log.append(tag, await suite.target(1));
    const moved = await suite.other.append(tag, await suite.target(2));
    const entry = await suite.log.annotate(tag, { key: "value" });
    expect(entry).toMatchObject({ seq: 3, op: "annotate" });
    expect(entry.target).toEqual(moved.target);
  });

  suite.test("annotate of a tag that is absent or deleted is NOT_FOUND", async () => {
    const tag = suite.freshTag();
    await expectCode(suite.log.annotate(tag, { key: "value" }), "NOT_FOUND");
    await suite.fill(tag, 1);
    await suite.other.remove(tag);
    await expectCode(suite.log.annotate(tag, { key: "value" }), "NOT_FOUND");
    await expectSeq(suite.other, tag, 2);
  });
}
