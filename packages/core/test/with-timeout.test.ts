import { type PutResult, withTimeout } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { manualClock } from "./manual-clock.ts";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

// Time passes when the test says so; what is shown is when a wait is given up, and what is not.

const bytes = someBytes(100);

describe("withTimeout", () => {
  const limits = { firstByteMs: 100, stallMs: 50, putStallMs: 80 };

  test("ends a read that is not answered, and aborts the request", async () => {
    const inner = scriptedStore("inner");
    let aborted = false;
    inner.open = (_, options) =>
      new Promise(() => {
        options?.signal?.addEventListener("abort", () => {
          aborted = true;
        });
      });
    const clock = manualClock();
    const opening = withTimeout(inner, { ...limits, clock }).open(await plant(bytes));
    const caught = opening.catch((error: unknown) => error);
    await clock.advance(100);
    expect(await caught).toMatchObject({ code: "TIMEOUT", source: "inner" });
    expect(aborted).toBe(true);
  });

  // Chunks come, each in time, for longer than any limit; then none comes.
  test("counts the time without progress, not the whole", async () => {
    const inner = scriptedStore("inner");
    const digest = await plant(someBytes(2 ** 20), inner);
    const gates = Array.from({ length: 17 }, () => Promise.withResolvers<void>());
    inner.chunkGate = (offset) => gates[offset / 65_536]?.promise ?? Promise.resolve();
    const clock = manualClock();
    const content = await withTimeout(inner, { ...limits, clock }).open(digest);
    const chunks = content?.body[Symbol.asyncIterator]();
    for (let index = 0; index < 10; index += 1) {
      const step = chunks?.next();
      await clock.advance(40);
      gates[index]?.resolve();
      expect((await step)?.done).toBe(false);
      // A reader that pauses is not a source that stalls.
      await clock.advance(1000);
    }
    const stalled = chunks?.next().catch((error: unknown) => error);
    await clock.advance(50);
    expect(await stalled).toMatchObject({ code: "TIMEOUT" });
  });

  // 40 chunks that each take 40 ms: after them, four times as long is a stall, and no less.
  test("gives a service whose chunks are all slow more time", async () => {
    const inner = scriptedStore("inner");
    const digest = await plant(someBytes(41 * 65_536), inner);
    const gates = Array.from({ length: 42 }, () => Promise.withResolvers<void>());
    inner.chunkGate = (offset) => gates[offset / 65_536]?.promise ?? Promise.resolve();
    const clock = manualClock();
    const content = await withTimeout(inner, { ...limits, clock }).open(digest);
    const chunks = content?.body[Symbol.asyncIterator]();
    for (let index = 0; index < 40; index += 1) {
      const step = chunks?.next();
      await clock.advance(40);
      gates[index]?.resolve();
      expect((await step)?.done).toBe(false);
    }
    let ended = false;
    const last = chunks?.next().catch((error: unknown) => {
      ended = true;
      return error;
    });
    await clock.advance(159);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(await last).toMatchObject({
      code: "TIMEOUT",
      message: expect.stringContaining("160 ms"),
    });
  });

  // A megabyte of which nothing comes after the first chunk, asked for at once: were its time that of its
  // size at a slow pace, the next tier would be asked seventeen seconds later.
  test("sees a stall of a large blob that is taken at once as soon as one of a stream", async () => {
    const inner = scriptedStore("inner");
    const digest = await plant(someBytes(2 ** 20), inner);
    inner.chunkGate = (offset) => (offset === 0 ? Promise.resolve() : new Promise(() => undefined));
    const clock = manualClock();
    const content = await withTimeout(inner, { ...limits, clock }).open(digest);
    const caught = content?.bytes().catch((error: unknown) => error);
    await clock.advance(50);
    expect(await caught).toMatchObject({ code: "TIMEOUT" });
  });

  // 64 MiB in an array, of which no chunk is seen: a minute of megabits is no stall, a day is.
  test("gives the put of a large array the time that its size needs", async () => {
    const inner = scriptedStore("inner");
    const clock = manualClock();
    const store = withTimeout(inner, { ...limits, clock });
    const sent = Promise.withResolvers<PutResult>();
    inner.put = () => sent.promise;
    const large = new Uint8Array(64 * 2 ** 20);
    const moving = store.put(large).catch((error: unknown) => error);
    await clock.advance(100_000);
    const result = {
      digest: await plant(bytes),
      size: large.byteLength,
      outcome: "created",
    } as const;
    sent.resolve(result);
    expect(await moving).toEqual(result);
    inner.put = () => new Promise(() => undefined);
    const stuck = store.put(large).catch((error: unknown) => error);
    await clock.advance(24 * 3_600_000);
    expect(await stuck).toMatchObject({ code: "TIMEOUT" });
  });

  test("ends a put whose body threw, where the store says nothing to that", async () => {
    const inner = scriptedStore("inner");
    const clock = manualClock();
    inner.put = async (body) => {
      await (async () => {
        if (body instanceof Uint8Array) return;
        for await (const _ of body());
      })().catch(() => undefined);
      return await new Promise<never>(() => undefined);
    };
    const store = withTimeout(inner, { ...limits, clock });
    const put = store.put(async function* () {
      yield bytes;
      throw new Error("the disk is gone");
    });
    const caught = put.catch((error: unknown) => error);
    await clock.advance(80);
    expect(await caught).toMatchObject({ code: "TIMEOUT" });
  });

  test("ends a put that is not acknowledged, but not one whose body is slow", async () => {
    const inner = scriptedStore("inner");
    const clock = manualClock();
    const store = withTimeout(inner, { ...limits, clock });
    const gate = Promise.withResolvers<void>();
    const digest = await plant(bytes);
    const slow = store.put(
      async function* () {
        await gate.promise;
        yield bytes;
      },
      { digest },
    );
    await clock.advance(10_000);
    gate.resolve();
    expect((await slow).outcome).toBe("created");
    inner.put = () => new Promise(() => undefined);
    const stuck = store.put(bytes, { digest }).catch((error: unknown) => error);
    await clock.advance(80);
    expect(await stuck).toMatchObject({ code: "TIMEOUT" });
  });
});
