import { expect } from "vitest";
import { expectCode } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { at, expectRefused, expectSeq } from "./tag-support.ts";

/** Compare-and-set: by absence, by sequence, by digest, for every write. */
export function tagExpectCases(suite: TagSuite): void {
  suite.test("expect=absent holds for a tag that was never set, and once", async () => {
    const tag = suite.freshTag();
    const first = await suite.log.append(tag, await suite.target(1), { expect: "absent" });
    expect(first.seq).toBe(1);
    const again = suite.log.append(tag, await suite.target(2), { expect: "absent" });
    await expectRefused(again, first);
    await expectSeq(suite.other, tag, 1);
  });

  suite.test("expect=absent holds for a deleted tag", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    await suite.log.remove(tag);
    const set = await suite.log.append(tag, await suite.target(2), { expect: "absent" });
    expect(set).toMatchObject({ seq: 3, op: "set" });
  });

  suite.test("expect=SEQ holds for the newest sequence alone", async () => {
    const tag = suite.freshTag();
    const entries = await suite.fill(tag, 3);
    const newest = at(entries, 2);
    for (const expected of [1, 2, 4, 1000]) {
      const writing = suite.log.append(tag, await suite.target(9), { expect: expected });
      await expectRefused(writing, newest);
    }
    await expectSeq(suite.other, tag, 3);
    expect((await suite.log.append(tag, await suite.target(9), { expect: 3 })).seq).toBe(4);
  });

  suite.test("expect=SEQ of a tag that was never set is refused", async () => {
    const tag = suite.freshTag();
    await expectRefused(suite.log.append(tag, await suite.target(1), { expect: 1 }), undefined);
    expect(await suite.other.head(tag)).toBeUndefined();
  });

  suite.test("expect=SEQ holds for a tombstone's sequence", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const tombstone = await suite.log.remove(tag);
    await expectRefused(suite.log.append(tag, await suite.target(1), { expect: 1 }), tombstone);
    expect((await suite.log.append(tag, await suite.target(1), { expect: 2 })).seq).toBe(3);
  });

  suite.test("expect=DIGEST holds for what the tag points to now", async () => {
    const tag = suite.freshTag();
    const [a, b] = [await suite.target(1), await suite.target(2)];
    await expectRefused(suite.log.append(tag, a, { expect: a }), undefined);
    const first = await suite.log.append(tag, a);
    await expectRefused(suite.log.append(tag, b, { expect: b }), first);
    const second = await suite.log.append(tag, b, { expect: a });
    expect(second.seq).toBe(2);
    await expectRefused(suite.log.append(tag, b, { expect: a }), second);
    // A digest that came back is met again; its old sequence is not.
    const third = await suite.log.append(tag, a, { expect: b });
    await expectRefused(suite.log.append(tag, b, { expect: 1 }), third);
    expect((await suite.log.append(tag, b, { expect: a })).seq).toBe(4);
  });

  suite.test("expect=DIGEST of a deleted tag is refused", async () => {
    const tag = suite.freshTag();
    const digest = await suite.target(1);
    await suite.log.append(tag, digest);
    const tombstone = await suite.log.remove(tag);
    await expectRefused(suite.log.append(tag, digest, { expect: digest }), tombstone);
    await expectSeq(suite.other, tag, 2);
  });

  suite.test("remove, annotate and rollback heed expect", async () => {
    const tag = suite.freshTag();
    const [a, b] = [await suite.target(1), await suite.target(2)];
    await suite.log.append(tag, a);
    const second = await suite.log.append(tag, b);
    for (const expected of ["absent", 1, 3, a] as const) {
      const options = { expect: expected };
      await expectRefused(suite.log.remove(tag, options), second);
      await expectRefused(suite.log.annotate(tag, { key: "value" }, options), second);
      await expectRefused(suite.log.rollback(tag, 1, options), second);
    }
    await expectSeq(suite.other, tag, 2);
    expect((await suite.log.annotate(tag, { key: "value" }, { expect: b })).seq).toBe(3);
    expect((await suite.log.rollback(tag, 1, { expect: 3 })).seq).toBe(4);
    expect((await suite.log.remove(tag, { expect: a })).seq).toBe(5);
    expect((await suite.log.rollback(tag, 2, { expect: "absent" })).seq).toBe(6);
  });

  suite.test("a handle that remembers an older entry is told the newest", async () => {
    const tag = suite.freshTag();
    const first = await suite.log.append(tag, await suite.target(1));
    const second = await suite.other.append(tag, await suite.target(2));
    const stale = suite.log.append(tag, await suite.target(3), { expect: first.seq });
    await expectRefused(stale, second);
    const third = await suite.log.append(tag, await suite.target(3), { expect: second.seq });
    expect(third.seq).toBe(3);
    await expectRefused(suite.other.remove(tag, { expect: second.seq }), third);
    await expectRefused(
      suite.other.append(tag, await suite.target(4), { expect: "absent" }),
      third,
    );
  });

  suite.test("a handle that remembers nothing knows what is expected", async () => {
    const tag = suite.freshTag();
    const entry = at(await suite.fill(tag, 2), 1);
    const fresh = await suite.reopen();
    await expectRefused(fresh.append(tag, await suite.target(1), { expect: 1 }), entry);
    const fresher = await suite.reopen();
    expect((await fresher.append(tag, await suite.target(1), { expect: 2 })).seq).toBe(3);
  });

  suite.test("an expectation that is none is refused", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    for (const expected of [-1, 1.5, Number.NaN]) {
      const writing = suite.log.append(tag, await suite.target(1), { expect: expected });
      await expectCode(writing, "INVALID_ARGUMENT", "PRECONDITION_FAILED");
    }
    await expectSeq(suite.other, tag, 1);
  });
}
