import { isStoreError, type TagEntry, type TagExpectation, type TagLog } from "@bitstore/core";
import { expect } from "vitest";
import { all } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { at, existing, expectRefused, expectWholeLog, oneTo } from "./tag-support.ts";

const writers = 8;

/** Writers at once, through two handles, and what each handle knows of the other's writes. */
export function tagRaceCases(suite: TagSuite): void {
  const handle = (n: number): TagLog => (n % 2 === 0 ? suite.log : suite.other);

  for (const before of [0, 3]) {
    suite.test(
      `${writers} writers of a tag with ${before} entries: all are acknowledged`,
      async () => {
        const tag = suite.freshTag();
        await suite.fill(tag, before);
        const entries = await Promise.all(
          oneTo(writers).map(async (n) => handle(n).append(tag, await suite.target(n))),
        );
        for (const [n, entry] of entries.entries()) {
          expect(entry.target?.digest).toBe(await suite.target(n + 1));
          expect(await suite.other.get(tag, entry.seq)).toEqual(entry);
        }
        const seqs = entries.map(({ seq }) => seq).toSorted((a, b) => a - b);
        expect(seqs).toEqual(oneTo(writers).map((n) => before + n));
        await expectWholeLog(suite.other, tag, before + writers);
      },
    );
  }

  suite.test(`${writers} writers that each set several times, tombstones between`, async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const write = async (n: number): Promise<TagEntry[]> => {
      const log = handle(n);
      const set = await log.append(tag, await suite.target(n));
      const noted = await log.append(tag, await suite.target(n + writers));
      return [set, noted];
    };
    const removing = [suite.log, suite.other].map((log) =>
      // The other one may have removed it, with no set between the two.
      log.remove(tag).catch((error: unknown) => {
        if (!isStoreError(error, "NOT_FOUND")) throw error;
        return undefined;
      }),
    );
    const written = (await Promise.all(oneTo(writers).map(write))).flat();
    const removed = (await Promise.all(removing)).filter((entry) => entry !== undefined);
    expect(removed.length).toBeGreaterThan(0);
    for (const entry of [...written, ...removed]) {
      expect(await suite.log.get(tag, entry.seq)).toEqual(entry);
    }
    await expectWholeLog(suite.log, tag, 1 + written.length + removed.length);
    const isSet = existing(await suite.log.head(tag)).op !== "delete";
    expect(await all(suite.other.list({ prefix: tag }))).toEqual(isSet ? [tag] : []);
  });

  const before: Readonly<Record<string, readonly [number, (n: number) => TagExpectation]>> = {
    "expect=absent": [0, () => "absent"],
    "expect=SEQ": [2, (seq) => seq],
  };
  for (const [what, [entries, expectation]] of Object.entries(before)) {
    suite.test(`${writers} writers with ${what}: one wins`, async () => {
      const tag = suite.freshTag();
      await suite.fill(tag, entries);
      await expectOneWinner(suite, tag, entries, () => expectation(entries));
    });
  }

  suite.test(`${writers} writers with expect=DIGEST: one wins`, async () => {
    const tag = suite.freshTag();
    const digest = at(await suite.fill(tag, 2), 1).target?.digest ?? "absent";
    await expectOneWinner(suite, tag, 2, () => digest);
  });

  suite.test("writers of different tags do not meet", async () => {
    const prefix = suite.freshPrefix();
    const tags = oneTo(writers).map((n) => `${prefix}${n}`);
    const entries = await Promise.all(
      tags.map(async (tag, n) =>
        handle(n).append(tag, await suite.target(n), { expect: "absent" }),
      ),
    );
    expect(entries.map(({ tag, seq }) => [tag, seq])).toEqual(tags.map((tag) => [tag, 1]));
    expect(await all(suite.log.list({ prefix }))).toEqual(tags);
  });

  handleCases(suite);
}

async function expectOneWinner(
  suite: TagSuite,
  tag: string,
  entries: number,
  expectation: () => TagExpectation,
): Promise<void> {
  const writing = oneTo(writers).map(async (n) => {
    const log = n % 2 === 0 ? suite.log : suite.other;
    return log.append(tag, await suite.target(100 + n), { expect: expectation() });
  });
  const settled = await Promise.allSettled(writing);
  const won = settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  expect(won.map(({ seq }) => seq)).toEqual([entries + 1]);
  const winner = at(won, 0);
  const losers = writing.filter((_, n) => at(settled, n).status === "rejected");
  for (const losing of losers) await expectRefused(losing, winner);
  expect(losers).toHaveLength(writers - 1);
  await expectWholeLog(suite.other, tag, entries + 1);
}

function handleCases(suite: TagSuite): void {
  suite.test("each handle sees the other's writes at once", async () => {
    const tag = suite.freshTag();
    for (const n of oneTo(6)) {
      const [writer, reader] = n % 2 === 0 ? [suite.log, suite.other] : [suite.other, suite.log];
      expect((await reader.head(tag))?.seq ?? 0).toBe(n - 1);
      const entry = await writer.append(tag, await suite.target(n));
      expect(entry.seq).toBe(n);
      expect(await reader.head(tag)).toEqual(entry);
      expect(await reader.head(tag, { maxAgeMs: 0 })).toEqual(entry);
      expect(await reader.get(tag, n)).toEqual(entry);
      expect((await all(reader.history(tag, { limit: 1 }))).map(({ seq }) => seq)).toEqual([n]);
    }
  });

  suite.test("a handle catches up with many entries of the other", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    expect((await suite.other.head(tag))?.seq).toBe(1);
    const entries = await suite.fill(tag, 30);
    expect(await suite.other.head(tag)).toEqual(at(entries, 29));
    const next = await suite.other.append(tag, await suite.target(1));
    expect(next.seq).toBe(32);
  });

  suite.test("an answer from memory is never older than what the handle has seen", async () => {
    const tag = suite.freshTag();
    const maxAgeMs = 3_600_000;
    expect(await suite.log.head(tag, { maxAgeMs })).toBeUndefined();
    const first = await suite.log.append(tag, await suite.target(1));
    expect(await suite.log.head(tag, { maxAgeMs }), "its own write").toEqual(first);
    const second = await suite.other.append(tag, await suite.target(2));
    const remembered = existing(await suite.log.head(tag, { maxAgeMs }));
    expect([first, second]).toContainEqual(remembered);
    expect(await suite.log.head(tag), "asked").toEqual(second);
    expect(await suite.log.head(tag, { maxAgeMs }), "what it was told").toEqual(second);
    await suite.log.get(tag, 1);
    expect(await suite.log.head(tag, { maxAgeMs }), "an older entry was read").toEqual(second);
    const tombstone = await suite.log.remove(tag);
    expect(await suite.log.head(tag, { maxAgeMs }), "its own tombstone").toEqual(tombstone);
  });

  suite.test("a handle that is disposed leaves the others working", async () => {
    const tag = suite.freshTag();
    const third = await suite.reopen();
    const entry = await third.append(tag, await suite.target(1));
    await third[Symbol.asyncDispose]();
    await third[Symbol.asyncDispose]();
    expect(await suite.log.head(tag)).toEqual(entry);
    expect((await suite.other.append(tag, await suite.target(2))).seq).toBe(2);
  });
}
