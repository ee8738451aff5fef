import type { TagEntry, TagLog, TagWriteOptions } from "@bitstore/core";
import { expect } from "vitest";
import { expectCode } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { expectSeq, expectWholeLog, freshNonce } from "./tag-support.ts";

/** Each kind of write, on a tag that was set twice. */
type Write = (log: TagLog, tag: string, options: TagWriteOptions) => Promise<TagEntry>;

/** A logical write is one entry, however often and wherever it is tried. */
export function tagNonceCases(suite: TagSuite): void {
  const writes: Readonly<Record<string, Write>> = {
    set: async (log, tag, options) => log.append(tag, await suite.target(7), options),
    annotate: (log, tag, options) => log.annotate(tag, { key: "value" }, options),
    remove: (log, tag, options) => log.remove(tag, options),
    rollback: (log, tag, options) => log.rollback(tag, 1, options),
  };

  for (const [kind, write] of Object.entries(writes)) {
    suite.test(`a ${kind} that is tried again is one entry`, async () => {
      const tag = suite.freshTag();
      await suite.fill(tag, 2);
      const nonce = freshNonce();
      const entry = await write(suite.log, tag, { nonce });
      expect(entry).toMatchObject({ seq: 3, nonce });
      expect(await write(suite.log, tag, { nonce }), "the same handle").toEqual(entry);
      expect(await write(suite.other, tag, { nonce }), "another handle").toEqual(entry);
      expect(await write(suite.other, tag, { nonce, base: 2 }), "with its base").toEqual(entry);
      const fresh = await suite.reopen();
      expect(await write(fresh, tag, { nonce, base: 0 }), "a fresh handle").toEqual(entry);
      await expectSeq(suite.log, tag, 3);
    });

    suite.test(`a ${kind} that is tried again after other entries is one entry`, async () => {
      const tag = suite.freshTag();
      await suite.fill(tag, 2);
      const nonce = freshNonce();
      const entry = await write(suite.log, tag, { nonce, expect: 2 });
      // More than `recent` holds, so that the log itself has to be searched.
      await suite.fill(tag, 20);
      const fresh = await suite.reopen();
      expect(await write(fresh, tag, { nonce, expect: 2 }), "without its base").toEqual(entry);
      expect(await write(fresh, tag, { nonce, base: 2, expect: 2 }), "with its base").toEqual(
        entry,
      );
      expect(await write(suite.log, tag, { nonce, base: 0 }), "with base 0").toEqual(entry);
      await expectSeq(suite.log, tag, 23);
    });
  }

  moreNonceCases(suite);
  refusedNonceCases(suite);
}

function moreNonceCases(suite: TagSuite): void {
  suite.test("a first set that is tried again meets itself, not a conflict", async () => {
    const tag = suite.freshTag();
    const options = { nonce: freshNonce(), base: 0, expect: "absent" } as const;
    const entry = await suite.log.append(tag, await suite.target(1), options);
    expect(await suite.log.append(tag, await suite.target(1), options)).toEqual(entry);
    expect(await suite.other.append(tag, await suite.target(1), options)).toEqual(entry);
    await suite.log.remove(tag);
    // The tag is absent again, and yet this write has happened.
    expect(await suite.other.append(tag, await suite.target(1), options)).toEqual(entry);
    await expectSeq(suite.log, tag, 2);
  });

  suite.test("a write that was refused happens under its nonce once it may", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const nonce = freshNonce();
    const digest = await suite.target(5);
    const refused = suite.log.append(tag, digest, { nonce, base: 1, expect: "absent" });
    await expectCode(refused, "PRECONDITION_FAILED");
    await suite.log.remove(tag);
    const entry = await suite.log.append(tag, digest, { nonce, base: 1, expect: "absent" });
    expect(entry).toMatchObject({ seq: 3, nonce });
  });

  suite.test("one nonce tried by two handles at once is one entry", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    for (const turn of [1, 2, 3, 4]) {
      const nonce = freshNonce();
      const options = { nonce, base: turn };
      const digest = await suite.target(turn);
      const tries = [suite.log, suite.other, suite.log, suite.other].map((log) =>
        log.append(tag, digest, options),
      );
      const entries = await Promise.all(tries);
      for (const entry of entries) expect(entry).toEqual(entries[0]);
      expect(entries[0]).toMatchObject({ seq: turn + 1, nonce });
    }
    await expectWholeLog(suite.other, tag, 5);
  });

  suite.test("a nonce belongs to one tag's log", async () => {
    const prefix = suite.freshPrefix();
    const nonce = freshNonce();
    const digest = await suite.target(1);
    const one = await suite.log.append(`${prefix}one`, digest, { nonce });
    const two = await suite.log.append(`${prefix}two`, digest, { nonce });
    expect(one).toMatchObject({ tag: `${prefix}one`, seq: 1, nonce });
    expect(two).toMatchObject({ tag: `${prefix}two`, seq: 1, nonce });
  });

  suite.test("writes without a nonce get one of their own", async () => {
    const tag = suite.freshTag();
    const digest = await suite.target(1);
    const first = await suite.log.append(tag, digest);
    const second = await suite.other.append(tag, digest);
    const third = await suite.log.annotate(tag, {});
    const nonces = [first, second, third].map(({ nonce }) => nonce);
    expect(new Set(nonces).size).toBe(3);
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
  });
}

function refusedNonceCases(suite: TagSuite): void {
  suite.test("a nonce of another change is refused", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 2);
    const nonce = freshNonce();
    const digest = await suite.target(7);
    const entry = await suite.log.append(tag, digest, { nonce });
    for (const log of [suite.log, suite.other]) {
      const other = await suite.target(8);
      await expectCode(log.append(tag, other, { nonce }), "INVALID_ARGUMENT");
      await expectCode(log.append(tag, other, { nonce, base: 2 }), "INVALID_ARGUMENT");
      await expectCode(log.remove(tag, { nonce }), "INVALID_ARGUMENT");
      await expectCode(log.annotate(tag, { key: "value" }, { nonce }), "INVALID_ARGUMENT");
      await expectCode(log.rollback(tag, 1, { nonce }), "INVALID_ARGUMENT");
    }
    expect(await suite.log.append(tag, digest, { nonce })).toEqual(entry);
    await expectSeq(suite.other, tag, 3);
  });

  suite.test("a nonce of another rollback or annotation is refused", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 2);
    const [restoring, annotating] = [freshNonce(), freshNonce()];
    await suite.log.rollback(tag, 1, { nonce: restoring });
    await expectCode(suite.log.rollback(tag, 2, { nonce: restoring }), "INVALID_ARGUMENT");
    await suite.log.annotate(tag, { key: "value" }, { nonce: annotating });
    const other = suite.log.annotate(tag, { key: "other" }, { nonce: annotating });
    await expectCode(other, "INVALID_ARGUMENT");
    await expectSeq(suite.other, tag, 4);
  });

  suite.test("a nonce that is none is refused", async () => {
    const tag = suite.freshTag();
    const whole = freshNonce();
    const nonces = ["", "nonce", whole.slice(1), `${whole}0`, `${whole.slice(1)}A`, `${whole}\n`];
    for (const nonce of nonces) {
      const writing = suite.log.append(tag, await suite.target(1), { nonce });
      await expectCode(writing, "INVALID_ARGUMENT");
    }
    expect(await suite.other.head(tag)).toBeUndefined();
  });
}
