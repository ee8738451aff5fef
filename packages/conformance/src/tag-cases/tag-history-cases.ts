import { expect } from "vitest";
import { all } from "../expectations.ts";
import { longHistoryLength, type TagSuite } from "../tag-suite.ts";
import { at, expectWholeLog, existing, oneTo, recordOf } from "./tag-support.ts";

const recentMax = 16;

/** What happened, newest first: in `recent`, by pages, and by time. */
export function tagHistoryCases(suite: TagSuite): void {
  const last = longHistoryLength;
  /** Records of the long history, newest first. */
  const records = async () => (await suite.longHistory()).map(recordOf).toReversed();
  const tagOf = async () => at(await suite.longHistory(), 0).tag;

  suite.test(`a history of ${last} entries is whole and chained`, async () => {
    const fresh = await suite.reopen();
    await expectWholeLog(fresh, await tagOf(), last);
    expect(await all(fresh.history(await tagOf()))).toEqual(await records());
    expect(await all(suite.log.history(await tagOf()))).toEqual(await records());
  });

  suite.test("every entry is read as it was acknowledged", async () => {
    for (const entry of await suite.longHistory()) {
      expect(await suite.other.get(entry.tag, entry.seq)).toEqual(entry);
    }
  });

  suite.test("recent holds the 16 entries before, newest first", async () => {
    const known = await records();
    for (const { seq, recent } of await suite.longHistory()) {
      const before = known.slice(last - seq + 1, last - seq + 1 + recentMax);
      expect(recent, `recent of ${seq}`).toEqual(before);
    }
    const fresh = await suite.reopen();
    expect((await fresh.head(await tagOf()))?.recent).toEqual(known.slice(1, 1 + recentMax));
  });

  for (const before of [1, 2, 3, 16, 17, 18, 24, last - 1, last, last + 1, 1_000_000]) {
    suite.test(`history before ${before}`, async () => {
      const expected = (await records()).filter(({ seq }) => seq < before);
      expect(await all(suite.other.history(await tagOf(), { before }))).toEqual(expected);
    });
  }

  for (const limit of [1, 2, 15, 16, 17, 18, 33, 34, last - 1, last, last + 1]) {
    suite.test(`history of at most ${limit}, from the newest and before 30`, async () => {
      const expected = await records();
      const tag = await tagOf();
      expect(await all(suite.other.history(tag, { limit }))).toEqual(expected.slice(0, limit));
      const older = expected.filter(({ seq }) => seq < 30).slice(0, limit);
      expect(await all(suite.other.history(tag, { limit, before: 30 }))).toEqual(older);
    });
  }

  suite.test("history page by page is the whole history", async () => {
    const tag = await tagOf();
    for (const limit of [1, 7, 16]) {
      const paged: unknown[] = [];
      // A page that does not go on must end the test, not this process.
      for (let before: number | undefined; paged.length <= last; ) {
        const page = await all(suite.other.history(tag, { before, limit }));
        paged.push(...page);
        before = page.at(-1)?.seq;
        if (before === undefined) break;
      }
      expect(paged).toEqual(await records());
    }
  });

  suite.test(
    "a history that is left early answers up to there, and leaves the log usable",
    async () => {
      const tag = await tagOf();
      for (const count of [1, 16, 17, 20]) {
        const seen: number[] = [];
        for await (const { seq } of suite.other.history(tag)) {
          seen.push(seq);
          if (seen.length === count) break;
        }
        expect(seen).toEqual(oneTo(last).toReversed().slice(0, count));
      }
      expect((await suite.other.head(tag))?.seq).toBe(last);
    },
  );

  timeCases(suite);
}

function timeCases(suite: TagSuite): void {
  suite.test("times grow from entry to entry, and asOf reads them exactly", async () => {
    const entries = await suite.longHistory();
    const { tag } = at(entries, 0);
    for (const [n, entry] of entries.entries()) {
      const time = Date.parse(entry.time);
      const before = entries[n - 1];
      if (before !== undefined) expect(time).toBeGreaterThan(Date.parse(before.time));
      if (n % 3 !== 1) continue; // a third of them: each costs requests
      const label = `around ${entry.seq}`;
      expect(await suite.other.asOf(tag, new Date(time)), label).toEqual(entry);
      expect(await suite.other.asOf(tag, new Date(time - 1)), label).toEqual(before);
    }
  });

  suite.test("asOf before the first entry, at the newest, and long after it", async () => {
    const entries = await suite.longHistory();
    const { tag, time } = at(entries, 0);
    const newest = existing(entries.at(-1));
    for (const log of [suite.log, suite.other]) {
      expect(await log.asOf(tag, new Date(Date.parse(time) - 1))).toBeUndefined();
      expect(await log.asOf(tag, new Date(0))).toBeUndefined();
      expect(await log.asOf(tag, new Date(newest.time))).toEqual(newest);
      expect(await log.asOf(tag, new Date("2999-01-01"))).toEqual(newest);
    }
  });

  suite.test("asOf answers a tombstone where the tag was deleted then", async () => {
    const tombstone = at(await suite.longHistory(), 4);
    expect(tombstone.op).toBe("delete");
    const found = await suite.other.asOf(tombstone.tag, new Date(tombstone.time));
    expect(found).toEqual(tombstone);
  });

  suite.test("asOf between two entries that lie apart is the one before", async () => {
    const tag = suite.freshTag();
    const [first] = await suite.fill(tag, 1);
    const from = Date.parse(existing(first).time);
    // Whoever writes next does it some milliseconds later.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await suite.log.append(tag, await suite.target(2));
    const between = new Date(Math.floor((from + Date.parse(second.time)) / 2));
    expect(await suite.other.asOf(tag, between)).toEqual(first);
    expect(await suite.other.asOf(tag, new Date(second.time))).toEqual(second);
  });
}
