import { composite, defineTier, isStoreError, spoolOpener } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

const bytes = someBytes(9 * 2 ** 20);

function two() {
  const first = scriptedStore("first");
  const second = scriptedStore("second");
  const store = composite({
    tiers: [
      defineTier({ name: "first", source: first }),
      defineTier({ name: "second", source: second }),
    ],
  });
  return { first, second, store };
}

describe("a stream whose tier fails in the middle", () => {
  // It goes on at the offset that it reached: from the same tier, then from the one behind it. The
  // reader sees one stream, verified as one.
  test.each(["breaks", "truncates"] as const)("first tier %s", async (behaviour) => {
    const { first, second, store } = two();
    first.behaviour = behaviour;
    const digest = await plant(bytes, first, second);
    const outcomes: string[] = [];
    const content = await store.open(digest, {
      onAttempt: ({ tier, outcome }) => outcomes.push(`${tier} ${outcome}`),
    });
    expect(Buffer.compare((await content?.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
    expect(first.opens).toBe(2);
    expect(second.opens).toBe(1);
    expect(outcomes).toEqual(["first hit", "first failed", "first failed"]);
    expect([first.openReads, second.openReads]).toEqual([0, 0]);
  });

  // With no other copy the read ends with an error that says where it broke off, never cleanly.
  test("no tier has the rest", async () => {
    const { first, store } = two();
    first.behaviour = "truncates";
    const digest = await plant(bytes, first);
    const content = await store.open(digest);
    await expect(content?.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  // Bytes of two tiers whose whole is wrong: it can't be told whose were, so the next read takes one
  // tier alone, until both are known to be no good.
  test("the rest is wrong", async () => {
    const { first, second, store } = two();
    const digest = await plant(bytes, first, second);
    first.behaviour = "breaks";
    second.behaviour = "corrupt";
    const codes: string[] = [];
    const read = async (): Promise<unknown> => (await store.open(digest))?.bytes();
    for (let turn = 0; turn < 4; turn += 1) {
      await read().catch((error: { code: string }) => codes.push(error.code));
    }
    expect(codes).toEqual(["DIGEST_MISMATCH", "UNAVAILABLE", "DIGEST_MISMATCH", "UNAVAILABLE"]);
    expect([first.openReads, second.openReads]).toEqual([0, 0]);
  });
});

describe("wrong bytes above the size that is verified first", () => {
  // The reader is handed all but the last chunk, and then the mismatch instead of it.
  test("no clean end", async () => {
    const { first, store } = two();
    first.behaviour = "corrupt";
    const digest = await plant(bytes, first);
    const content = await store.open(digest);
    let received = 0;
    const reading = (async () => {
      for await (const chunk of content?.body ?? []) received += chunk.byteLength;
    })();
    await expect(reading).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(received).toBeLessThan(bytes.byteLength);
    expect(received).toBeGreaterThan(0);
  });
});

describe("one fetch for all who ask at a time", () => {
  test("followers stream the leader's bytes, whenever they come", async () => {
    // Fifty readers, one after the other while the fetch is held up: one read at the tier.
    const { first, store } = two();
    const digest = await plant(bytes, first);
    const gate = Promise.withResolvers<void>();
    first.chunkGate = (offset) => (offset > 2 ** 20 ? gate.promise : Promise.resolve());
    const readers = Array.from({ length: 50 }, async (_, index) => {
      for (let turn = 0; turn < index; turn += 1) await Promise.resolve();
      return await (await store.open(digest))?.bytes();
    });
    gate.resolve();
    for (const read of await Promise.all(readers)) {
      expect(Buffer.compare(read ?? new Uint8Array(), bytes)).toBe(0);
    }
    expect(first.opens).toBe(1);
    expect(first.openReads).toBe(0);
  });

  test("small blobs too", async () => {
    const { first, store } = two();
    const digest = await plant(someBytes(100), first);
    const gate = Promise.withResolvers<void>();
    first.gate = gate.promise;
    const readers = Array.from({ length: 20 }, () => store.open(digest));
    gate.resolve();
    for (const content of await Promise.all(readers)) {
      expect(await content?.bytes()).toEqual(someBytes(100));
    }
    expect(first.opens).toBe(1);
  });

  // The leader's caller goes away; the followers notice nothing.
  test("a caller's abort harms nobody else", async () => {
    const { first, store } = two();
    const digest = await plant(bytes, first);
    const gate = Promise.withResolvers<void>();
    first.gate = gate.promise;
    const leaver = new AbortController();
    const leader = store.open(digest, { signal: leaver.signal });
    const follower = store.open(digest);
    leaver.abort();
    await expect(leader).rejects.toMatchObject({ code: "ABORTED" });
    gate.resolve();
    const read = await (await follower)?.bytes();
    expect(Buffer.compare(read ?? new Uint8Array(), bytes)).toBe(0);
    expect(first.opens).toBe(1);
  });

  test("the last to leave ends it", async () => {
    const { first, store } = two();
    const digest = await plant(bytes, first);
    const content = await store.open(digest);
    expect(first.openReads).toBe(1);
    await content?.[Symbol.asyncDispose]();
    for (let turn = 0; turn < 50 && first.openReads > 0; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(first.openReads).toBe(0);
  });

  // A failure is the leader's alone: whoever joined asks again.
  test("a failure is not shared", async () => {
    const { first, store } = two();
    const digest = await plant(someBytes(10), first);
    first.behaviour = "failed";
    const gate = Promise.withResolvers<void>();
    first.gate = gate.promise;
    const leader = store.open(digest, {
      onAttempt: () => {
        first.behaviour = "hit";
      },
    });
    const follower = store.open(digest);
    const led = leader.catch((error: unknown) => error);
    gate.resolve();
    expect(isStoreError(await led, "UNAVAILABLE")).toBe(true);
    expect(await (await follower)?.bytes()).toEqual(someBytes(10));
  });
});

describe("a reader that lags", () => {
  // The spool keeps a mebibyte here, so a reader that stops is overrun by the other, and reads on
  // by a fetch of its own: the same bytes, verified again.
  test("reads on past what the spool keeps", async () => {
    const first = scriptedStore("first");
    const store = composite({
      tiers: [defineTier({ name: "first", source: first })],
      openSpool: spoolOpener({ memoryBytesMax: 256 * 1024, spoolBytesMax: 2 ** 20 }),
    });
    const digest = await plant(bytes, first);
    const slow = await store.open(digest);
    const fast = await store.open(digest);
    const slowChunks = slow?.body[Symbol.asyncIterator]();
    const start = await slowChunks?.next();
    expect(Buffer.compare((await fast?.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
    const read = [start?.value ?? new Uint8Array()];
    for (
      let step = await slowChunks?.next();
      step?.done === false;
      step = await slowChunks?.next()
    ) {
      read.push(step.value);
    }
    expect(Buffer.compare(Buffer.concat(read), bytes)).toBe(0);
    expect(first.opens).toBe(2);
    expect(first.openReads).toBe(0);
  });

  // Over the spools' budget a fetch is neither shared nor filled, but it is delivered, to readers who
  // read one after the other too.
  test("no budget for a spool", async () => {
    const { first, second } = two();
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: second, role: "cache" }),
        defineTier({ name: "first", source: first }),
      ],
      openSpool: spoolOpener({ spoolsBytesMax: 0 }),
    });
    const digest = await plant(bytes, first);
    const read = await Promise.all([store.open(digest), store.open(digest)]);
    for (const content of read) {
      expect(Buffer.compare((await content?.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
    }
    await store.drain();
    expect(second.puts).toBe(0);
    expect(first.openReads).toBe(0);
  });
});
