import { StoreError, type TagEntry } from "@bitstore/core";
import { expect } from "vitest";
import { expectCode, promptly, rejectionOf } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { at, expectSeq, iterate, nextOf, oneTo, take } from "./tag-support.ts";

/** Watches: each entry once, in order, without a gap, until the signal aborts. */
export function tagWatchCases(suite: TagSuite): void {
  suite.test("a watch since 0 yields all there is, then what comes", async () => {
    const tag = suite.freshTag();
    const entries = [...(await suite.fill(tag, 3))];
    await watched(suite, tag, 0, async (watching) => {
      expect(await take(watching, 3)).toEqual(entries);
      const next = watching.next();
      const fourth = await suite.log.append(tag, await suite.target(4));
      expect((await promptly("the fourth entry", next)).value).toEqual(fourth);
      const tombstone = await suite.log.remove(tag);
      const restored = await suite.other.rollback(tag, 1);
      expect(await take(watching, 2)).toEqual([tombstone, restored]);
    });
  });

  suite.test("a watch since an entry yields those after it", async () => {
    const tag = suite.freshTag();
    const entries = await suite.fill(tag, 20);
    for (const since of [1, 10, 19]) {
      await watched(suite, tag, since, async (watching) => {
        expect(await take(watching, 20 - since)).toEqual(entries.slice(since));
      });
    }
    await watched(suite, tag, 20, async (watching) => {
      const next = watching.next();
      const entry = await suite.log.append(tag, await suite.target(1));
      expect((await promptly("the next entry", next)).value).toEqual(entry);
    });
  });

  suite.test("a watch that is told nothing begins with the newest entry", async () => {
    const tag = suite.freshTag();
    const entries = await suite.fill(tag, 3);
    await watched(suite, tag, undefined, async (watching) => {
      expect(await nextOf(watching)).toEqual(at(entries, 2));
      const fourth = await suite.other.append(tag, await suite.target(4));
      expect(await nextOf(watching)).toEqual(fourth);
    });
  });

  suite.test("a watch of a tag that was never set waits for its first entry", async () => {
    for (const since of [undefined, 0]) {
      const tag = suite.freshTag();
      await watched(suite, tag, since, async (watching) => {
        const next = watching.next();
        const first = await suite.log.append(tag, await suite.target(1));
        expect((await promptly("the first entry", next)).value).toEqual(first);
      });
    }
  });

  suite.test("a watch misses nothing of two handles that write at once", async () => {
    const tag = suite.freshTag();
    const reader = await suite.reopen();
    const signal = new AbortController();
    const watching = iterate(reader.watch(tag, { since: 0, signal: signal.signal }));
    const taking = take(watching, 24);
    const write = async (log: typeof reader, count: number): Promise<TagEntry[]> => {
      const entries: TagEntry[] = [];
      for (const n of oneTo(count)) entries.push(await log.append(tag, await suite.target(n)));
      return entries;
    };
    const written = (await Promise.all([write(suite.log, 12), write(suite.other, 12)])).flat();
    const seen = await taking;
    expect(seen.map(({ seq }) => seq)).toEqual(oneTo(24));
    expect(seen).toEqual(written.toSorted((a, b) => a.seq - b.seq));
    signal.abort();
    await expectCode(promptly("the aborted watch", watching.next()), "ABORTED");
  });

  suite.test("an abort ends a watch with ABORTED, waiting or not", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const first = new AbortController();
    const waiting = iterate(suite.log.watch(tag, { since: 1, signal: first.signal }));
    const next = waiting.next();
    first.abort();
    await expectCode(promptly("the aborted watch", next), "ABORTED");

    const second = new AbortController();
    const idle = iterate(suite.log.watch(tag, { since: 0, signal: second.signal }));
    expect((await nextOf(idle)).seq).toBe(1);
    const reason = new StoreError({ code: "TIMEOUT", operation: "watch", message: "long enough" });
    second.abort(reason);
    expect(await promptly("the aborted watch", rejectionOf(idle.next()))).toBe(reason);
    await expectSeq(suite.log, tag, 1);
  });

  suite.test("two watches of one tag see the same", async () => {
    const tag = suite.freshTag();
    const entries = await suite.fill(tag, 2);
    await watched(suite, tag, 0, async (one) => {
      await watched(suite, tag, 0, async (two) => {
        expect(await take(one, 2)).toEqual(entries);
        expect(await take(two, 2)).toEqual(entries);
        const third = await suite.log.append(tag, await suite.target(3));
        expect(await Promise.all([nextOf(one), nextOf(two)])).toEqual([third, third]);
      });
    });
  });

  suite.test("a watch that is left early leaves the log usable", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 3);
    const seen: number[] = [];
    for await (const { seq } of suite.log.watch(tag, { since: 0 })) {
      seen.push(seq);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([1, 2]);
    await suite.fill(tag, 1);
    await expectSeq(suite.log, tag, 4);
  });
}

/** Runs with a watch of the second handle, and ends it by an abort. */
async function watched(
  suite: TagSuite,
  tag: string,
  since: number | undefined,
  run: (watching: AsyncIterator<TagEntry>) => Promise<void>,
): Promise<void> {
  const abort = new AbortController();
  const { signal } = abort;
  const watching = iterate(suite.other.watch(tag, { since, signal }));
  try {
    await run(watching);
  } finally {
    abort.abort();
    await promptly(
      "the end of the watch",
      watching.next().catch(() => undefined),
    );
  }
}
