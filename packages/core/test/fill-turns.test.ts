import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { composite, defineTier, type FillEvent, spoolOpener } from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

// One fill at a time, and spools that keep a quarter of a large blob: the first fill stands still while
// others wait for their turn behind it.

const KiB = 1024;
const events: FillEvent[] = [];
const collect = (event: unknown): void => void events.push(event as FillEvent);
beforeEach(() => {
  events.length = 0;
  subscribe("bitstore:fill", collect);
});
afterEach(() => void unsubscribe("bitstore:fill", collect));

function oneAtATime() {
  const cache = scriptedStore("cache");
  const origin = scriptedStore("origin");
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const put = cache.put.bind(cache);
  cache.put = async (body, options) => {
    reached.resolve();
    await gate.promise;
    return await put(body, options);
  };
  const store = composite({
    openSpool: spoolOpener({ memoryBytesMax: 64 * KiB, spoolBytesMax: 1024 * KiB }),
    limits: { fillsInFlightMax: 1, verifyFirstBytesMax: 4 * KiB },
    tiers: [
      defineTier({ name: "cache", source: cache, role: "cache" }),
      defineTier({ name: "origin", source: origin, origin: true }),
    ],
  });
  return { store, cache, origin, gate, reached };
}

describe("a fill that waits for its turn", () => {
  test("holds up no reader, is given up where its beginning is gone, and made by the next read", async () => {
    const { store, cache, origin, gate, reached } = oneAtATime();
    const first = someBytes(100 * KiB);
    const large = someBytes(4096 * KiB);
    const firstDigest = await plant(first, origin);
    const largeDigest = await plant(large, origin);
    await (await store.open(firstDigest))?.bytes();
    await reached.promise;
    // It would never end if it waited for the fill, whose turn comes only after it.
    const read = await (await store.open(largeDigest))?.bytes();
    expect(Buffer.compare(read ?? new Uint8Array(), large)).toBe(0);
    const dropped = events.filter(({ outcome }) => outcome === "dropped");
    expect(dropped.map(({ digest, tier }) => [digest, tier])).toEqual([[largeDigest, "cache"]]);
    expect(origin.openReads).toBe(0);
    gate.resolve();
    await store.drain();
    expect(await cache.stat(largeDigest)).toBeUndefined();
    await (await store.open(largeDigest))?.bytes();
    await store.drain();
    expect(await cache.stat(largeDigest)).toBeDefined();
    await store[Symbol.asyncDispose]();
  });

  test("is made in its turn where its spool keeps all of it, though its reader has left", async () => {
    const { store, cache, origin, gate, reached } = oneAtATime();
    const firstDigest = await plant(someBytes(100 * KiB), origin);
    const digest = await plant(someBytes(900 * KiB), origin);
    await (await store.open(firstDigest))?.bytes();
    await reached.promise;
    await (await store.open(digest))?.[Symbol.asyncDispose]();
    gate.resolve();
    await store.drain();
    expect(await cache.stat(digest)).toBeDefined();
    expect(events.map(({ outcome }) => outcome)).toEqual(["filled", "filled"]);
    expect(origin.opens).toBe(2);
    await store[Symbol.asyncDispose]();
  });
});

// Two tiers are wrong, and what is remembered of one drives out what is remembered of the other.
test("a fill that was given wrong bytes is not begun again for ever", async () => {
  const cache = scriptedStore("cache");
  const tiers = ["one", "other"].map((name) => scriptedStore(name, "corrupt"));
  const store = composite({
    limits: { memoryEntriesMax: 1, verifyFirstBytesMax: 4 * KiB },
    tiers: [
      defineTier({ name: "cache", source: cache, role: "cache" }),
      ...tiers.map((source) => defineTier({ name: source.name, source })),
    ],
  });
  const bytes = someBytes(300 * KiB);
  const [digest] = await Promise.all(tiers.map((tier) => plant(bytes, tier)));
  const content = await store.open(digest!);
  await expect(content?.bytes()).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  await store.drain();
  const opens = tiers.reduce((sum, tier) => sum + tier.opens, 0);
  expect(opens).toBeLessThan(12);
  await store[Symbol.asyncDispose]();
});
