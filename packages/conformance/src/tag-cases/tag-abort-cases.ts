import { isStoreError, StoreError, type TagEntry } from "@bitstore/core";
import { expect } from "vitest";
import { all, expectCode, promptly, rejectionOf } from "../expectations.ts";
import type { TagSuite } from "../tag-suite.ts";
import { everyMethod, expectSeq, expectWholeLog, freshNonce, oneTo } from "./tag-support.ts";

/** An abort is answered promptly; what it leaves open is settled by the same nonce. */
export function tagAbortCases(suite: TagSuite): void {
  suite.test("an aborted signal stops every operation before it starts", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const signal = AbortSignal.abort();
    const calls = everyMethod(suite.log, tag, await suite.target(2), { signal });
    for (const [method, call] of Object.entries(calls)) {
      await expectCode(promptly(method, call()), "ABORTED").catch((cause: unknown) =>
        expect.fail(`${method}: ${String(cause)}`),
      );
    }
    await expectCode(all(suite.log.list({ signal })), "ABORTED");
    await expectSeq(suite.other, tag, 1);
    expect(await all(suite.other.list({ prefix: tag }))).toEqual([tag]);
  });

  suite.test("an aborted signal stops the first set of a tag", async () => {
    const tag = suite.freshTag();
    const writing = suite.log.append(tag, await suite.target(1), { signal: AbortSignal.abort() });
    await expectCode(writing, "ABORTED");
    expect(await suite.other.head(tag)).toBeUndefined();
  });

  suite.test("a StoreError as the reason is what the caller gets", async () => {
    const tag = suite.freshTag();
    await suite.fill(tag, 1);
    const reason = new StoreError({ code: "TIMEOUT", operation: "head", message: "too slow" });
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(suite.log.head(tag, { signal }))).toBe(reason);
    expect(await rejectionOf(all(suite.log.history(tag, { signal })))).toBe(reason);
    const writing = suite.log.append(tag, await suite.target(1), { signal });
    expect(await rejectionOf(writing)).toBe(reason);
  });

  suite.test("reads that are aborted on their way end promptly, and change nothing", async () => {
    const entries = await suite.longHistory();
    const { tag = "" } = entries[0] ?? {};
    for (const turns of [0, 1, 2, 4, 8]) {
      const reader = await suite.reopen();
      const abort = new AbortController();
      const { signal } = abort;
      const reading: Readonly<Record<string, Promise<unknown>>> = {
        head: reader.head(tag, { signal }),
        get: reader.get(tag, 7, { signal }),
        asOf: reader.asOf(tag, new Date(), { signal }),
        history: all(reader.history(tag, { signal })),
        list: all(reader.list({ signal })),
        verify: reader.verify(tag, { signal }),
      };
      const outcomes = Object.entries(reading).map(async ([what, promise]) => {
        await promptly(what, promise).catch((error: unknown) => {
          if (!isStoreError(error, "ABORTED")) expect.fail(`${what}: ${String(error)}`);
        });
      });
      await turnsOfTheLoop(turns);
      abort.abort();
      await Promise.all(outcomes);
      expect(await reader.head(tag)).toEqual(entries.at(-1));
      expect((await reader.verify(tag)).problems).toEqual([]);
    }
  });

  suite.test("a write that is aborted on its way happens once, tried again", async () => {
    const tag = suite.freshTag();
    const moments = 12;
    for (const turn of oneTo(moments)) {
      const nonce = freshNonce();
      const digest = await suite.target(turn);
      const abort = new AbortController();
      const options = { nonce, base: turn - 1 };
      const writing = suite.log.append(tag, digest, { ...options, signal: abort.signal });
      const settled = promptly<TagEntry | undefined>("the aborted write", writing).catch(
        async () => {
          await expectCode(writing, "ABORTED", "INDETERMINATE");
          return undefined;
        },
      );
      await turnsOfTheLoop(turn - 1);
      abort.abort();
      const acknowledged = await settled;
      const log = turn % 2 === 0 ? suite.log : suite.other;
      const entry = await log.append(tag, digest, options);
      expect(entry).toMatchObject({ seq: turn, nonce });
      if (acknowledged !== undefined) expect(acknowledged).toEqual(entry);
    }
    await expectWholeLog(suite.other, tag, moments);
  });

  suite.test("a remove that is aborted on its way happens once, tried again", async () => {
    const tag = suite.freshTag();
    for (const turn of [0, 1, 2, 3, 4, 5]) {
      const set = await suite.log.append(tag, await suite.target(turn));
      const abort = new AbortController();
      const options = { nonce: freshNonce(), base: set.seq };
      const removing = suite.log.remove(tag, { ...options, signal: abort.signal });
      const settled = promptly<unknown>("the aborted remove", removing).catch(() =>
        expectCode(removing, "ABORTED", "INDETERMINATE"),
      );
      await turnsOfTheLoop(turn);
      abort.abort();
      await settled;
      expect(await suite.other.remove(tag, options)).toMatchObject({ seq: 2 * turn + 2 });
      expect(await all(suite.other.list({ prefix: tag }))).toEqual([]);
    }
    await expectWholeLog(suite.other, tag, 12);
  });
}

/** Waits so many turns of the event loop: an arbitrary moment, and what holds must hold at each. */
async function turnsOfTheLoop(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
