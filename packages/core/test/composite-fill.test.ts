import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  composite,
  defineTier,
  type FillEvent,
  memoryCache,
  type Tier,
  type TierOptions,
} from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

const events: FillEvent[] = [];
const collect = (event: unknown): void => void events.push(event as FillEvent);
beforeEach(() => {
  events.length = 0;
  subscribe("bitstore:fill", collect);
});
afterEach(() => void unsubscribe("bitstore:fill", collect));

function cached(options: Partial<TierOptions> = {}) {
  const near = scriptedStore("near");
  const cache = scriptedStore("cache");
  const api = scriptedStore("api");
  const tiers: Tier[] = [
    defineTier({ name: "near", source: near, role: "cache" }),
    defineTier({ name: "cache", source: cache, role: "cache" }),
    defineTier({ name: "api", source: api, ...options }),
  ];
  return { near, cache, api, store: composite({ tiers, name: "under test" }) };
}

// Small blobs are filled from memory, large ones from the spool.
describe.each([100, 6 * 2 ** 20])("a blob of %d bytes from behind the cache", (size) => {
  const bytes = someBytes(size);

  test("is written into every cache tier before it, and then served from there", async () => {
    const { near, cache, api, store } = cached();
    const digest = await plant(bytes, api);
    const content = await store.open(digest);
    expect(content?.source).toBe("api");
    expect(content?.role).toBe("source");
    await content?.bytes();
    await store.drain();
    expect([near.puts, cache.puts]).toEqual([1, 1]);
    const again = await store.open(digest);
    expect([again?.source, again?.role]).toEqual(["near", "cache"]);
    await again?.bytes();
    expect(api.opens).toBe(1);
    expect(events.map(({ tier, outcome }) => `${tier} ${outcome}`).sort()).toEqual([
      "cache filled",
      "near filled",
    ]);
  });

  test("is written only where `fill` says", async () => {
    const { near, cache, api, store } = cached({ fill: ["cache"] });
    const digest = await plant(bytes, api);
    await (await store.open(digest))?.bytes();
    await store.drain();
    expect([near.puts, cache.puts]).toEqual([0, 1]);
  });

  test("is promoted from one cache tier to the one before it", async () => {
    const { near, cache, api, store } = cached();
    const digest = await plant(bytes, cache);
    await (await store.open(digest))?.bytes();
    await store.drain();
    expect([near.puts, cache.puts, api.opens]).toEqual([1, 0, 0]);
  });

  // The bytes are served; the failure is an event, not the read's error.
  test("is served though the cache can't be written", async () => {
    const { cache, api, near, store } = cached();
    cache.put = () => Promise.reject(new Error("disk full"));
    const digest = await plant(bytes, api);
    const content = await store.open(digest);
    expect(Buffer.compare((await content?.bytes()) ?? new Uint8Array(), bytes)).toBe(0);
    await store.drain();
    const failed = events.find(({ outcome }) => outcome === "failed");
    expect(failed?.tier).toBe("cache");
    expect(failed?.error?.message).toContain("disk full");
    expect(near.puts).toBe(1);
  });

  // The reader goes away at once; the copy is finished all the same.
  test("is filled though its reader has left", async () => {
    const { near, api, store } = cached();
    const digest = await plant(bytes, api);
    await (await store.open(digest))?.[Symbol.asyncDispose]();
    await store.drain();
    expect(await near.stat(digest)).toEqual({ digest, size });
    expect(api.openReads).toBe(0);
  });

  // A delete while the copy is under way must not be undone by it.
  test("is not brought back after a delete", async () => {
    const near = scriptedStore("near");
    const origin = scriptedStore("origin");
    const store = composite({
      tiers: [
        defineTier({ name: "near", source: near, role: "cache" }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    const digest = await plant(bytes, origin);
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const put = near.put.bind(near);
    near.put = async (body, options) => {
      reached.resolve();
      await gate.promise;
      return await put(body, options);
    };
    const content = await store.open(digest);
    const read = content?.bytes();
    await reached.promise;
    const deleting = store.delete(digest);
    gate.resolve();
    expect(await deleting).toBe(true);
    // By the time that the delete is acknowledged the copy is gone as well, not some time later.
    expect(await near.stat(digest)).toBeUndefined();
    await read;
    await store.drain();
    expect(await near.stat(digest)).toBeUndefined();
    expect(await store.stat(digest)).toBeUndefined();
  });

  test("replaces a copy that was corrupt in the cache", async () => {
    const { near, cache, api, store } = cached();
    const digest = await plant(bytes, api);
    const stat = near.stat.bind(near);
    near.behaviour = "corrupt";
    await plant(bytes, near);
    // A large one is found out at its end; the reader asks again, and is served from behind.
    const first = await store
      .open(digest)
      .then((content) => content?.bytes().catch(() => undefined));
    const read = first ?? (await (await store.open(digest))?.bytes());
    expect(Buffer.compare(read ?? new Uint8Array(), bytes)).toBe(0);
    await store.drain();
    expect(near.puts).toBeGreaterThan(0);
    expect(cache.puts).toBeGreaterThan(0);
    near.behaviour = "hit";
    expect(await stat(digest)).toEqual({ digest, size });
    expect((await store.open(digest))?.source).toBe("near");
  });
});

describe("wrong bytes behind the cache", () => {
  // Nothing is published before it is verified. A fill is private, so it starts again by itself
  // from the good copy, though the reader has had its error.
  test("never reach the cache; the good copy behind them does", async () => {
    const cache = scriptedStore("cache");
    const rotten = scriptedStore("rotten", "corrupt");
    const good = scriptedStore("good");
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "rotten", source: rotten }),
        defineTier({ name: "good", source: good }),
      ],
    });
    const bytes = someBytes(6 * 2 ** 20);
    const digest = await plant(bytes, rotten, good);
    const content = await store.open(digest);
    await expect(content?.bytes()).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    await store.drain();
    const filled = await (await cache.open(digest))?.bytes();
    expect(Buffer.compare(filled ?? new Uint8Array(), bytes)).toBe(0);
  });
});

describe("the memory tier", () => {
  // Never more than its budget, the least recently used first, and no blob beyond its limit.
  test("keeps within its budget", async () => {
    const cache = memoryCache({ bytesMax: 100_000, entryBytesMax: 20_000 });
    const digests = [];
    for (let seed = 1; seed <= 20; seed += 1) {
      digests.push((await cache.put(someBytes(10_000, seed))).digest);
    }
    let held = 0;
    for await (const { size } of cache.list()) held += size;
    expect(held).toBeLessThanOrEqual(100_000);
    expect(held).toBeGreaterThan(80_000);
    expect(await cache.stat(digests[0]!)).toBeUndefined();
    expect(await cache.stat(digests.at(-1)!)).toBeDefined();
    await expect(cache.put(someBytes(20_001))).rejects.toMatchObject({ code: "TOO_LARGE" });
    await expect(cache.put(() => single(someBytes(20_001)))).rejects.toMatchObject({
      code: "TOO_LARGE",
    });
  });

  // A chunk that the caller rewrites later must not change what is stored.
  test("does not share a larger buffer", async () => {
    const cache = memoryCache({ bytesMax: 100_000 });
    const buffer = new Uint8Array(1000).fill(7);
    const { digest } = await cache.put(buffer.subarray(0, 10));
    buffer.fill(8);
    expect(await (await cache.open(digest))?.bytes()).toEqual(new Uint8Array(10).fill(7));
  });
});

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
