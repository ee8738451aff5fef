import {
  type Clock,
  composite,
  defineTier,
  memoryCache,
  readOnly,
  withHedge,
  withRetry,
  withTimeout,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

function manualClock(): Clock & { advance(ms: number): void } {
  let nowMs = 0;
  return {
    now: () => nowMs,
    after: () => () => undefined,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

describe("a miss that is remembered", () => {
  const bytes = someBytes(10);

  // Three questions within its time cost one request, and a later one costs another.
  test("spares requests for its time only", async () => {
    const clock = manualClock();
    const source = scriptedStore("source");
    const tier = defineTier({ name: "source", source, negativeTtlMs: 5000 });
    const store = composite({ tiers: [tier], clock });
    const digest = await plant(bytes);
    for (let read = 0; read < 3; read += 1) expect(await store.open(digest)).toBeUndefined();
    expect(source.opens).toBe(1);
    clock.advance(5001);
    await source.put(bytes, { digest });
    expect(await store.open(digest)).toBeDefined();
  });

  test("is forgotten by a put through the store", async () => {
    const source = scriptedStore("source");
    const store = composite({ tiers: [defineTier({ name: "source", source, origin: true })] });
    const digest = await plant(bytes);
    expect(await store.open(digest)).toBeUndefined();
    await store.put(bytes);
    expect(await store.open(digest)).toBeDefined();
  });

  // The lookup starts, the put is done, the lookup ends with its miss: whoever asks after the put
  // must see the blob, so the miss is neither shared nor kept.
  test("is not kept where a put came in between", async () => {
    const source = scriptedStore("source", "miss");
    const store = composite({ tiers: [defineTier({ name: "source", source, origin: true })] });
    const digest = await plant(bytes);
    const gate = Promise.withResolvers<void>();
    source.gate = gate.promise;
    const early = store.open(digest);
    await store.put(bytes);
    const late = store.open(digest, { onAttempt: () => (source.behaviour = "hit") });
    gate.resolve();
    await early;
    expect(await (await late)?.bytes()).toEqual(bytes);
  });

  test("in a cache tier is never kept", async () => {
    const cache = scriptedStore("cache");
    const tiers = [
      defineTier({ name: "cache", source: cache, role: "cache", negativeTtlMs: 9000 }),
    ];
    const store = composite({ tiers });
    const digest = await plant(bytes);
    await store.open(digest);
    await store.open(digest);
    expect(cache.opens).toBe(2);
  });
});

describe("where a put goes", () => {
  const bytes = someBytes(10);

  test("to the origin, and nowhere else", async () => {
    const [cache, other, origin] = ["cache", "other", "origin"].map((name) => scriptedStore(name));
    if (!cache || !other || !origin) throw new Error("three stores");
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "other", source: other, readOnly: false }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    expect((await store.put(bytes)).outcome).toBe("created");
    expect((await store.put(bytes)).outcome).toBe("existed");
    expect([cache.puts, other.puts, origin.puts]).toEqual([0, 0, 2]);
  });

  test("to the only writable tier, where none is marked", async () => {
    const a = scriptedStore("a");
    const b = scriptedStore("b");
    const tiers = [
      defineTier({ name: "a", source: a }),
      defineTier({ name: "b", source: b, readOnly: false }),
    ];
    await composite({ tiers }).put(bytes);
    expect([a.puts, b.puts]).toEqual([0, 1]);
  });

  test("nowhere, where there are several or none", async () => {
    const a = scriptedStore("a");
    const b = scriptedStore("b");
    const writable = [a, b].map((source) =>
      defineTier({ name: source.name, source, readOnly: false }),
    );
    await expect(composite({ tiers: writable }).put(bytes)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    const foreign = [a, b].map((source) => defineTier({ name: source.name, source }));
    await expect(composite({ tiers: foreign }).put(bytes)).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
    expect([a.puts, b.puts]).toEqual([0, 0]);
  });

  test("durable means at the origin, whatever a cache has", async () => {
    const cache = scriptedStore("cache");
    const origin = scriptedStore("origin");
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    const digest = await plant(bytes, cache);
    expect(await store.stat(digest)).toBeDefined();
    expect(await store.durable(digest)).toBeUndefined();
    expect(cache.stats).toBe(1);
  });

  // An origin may be made of tiers itself, here or behind another server: its caches do not count.
  test("durable means at the origin of an origin that is made of tiers", async () => {
    const cache = scriptedStore("cache");
    const origin = scriptedStore("origin");
    const inner = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    const layered = withRetry(withHedge(withTimeout(inner)));
    const outer = composite({
      tiers: [defineTier({ name: "inner", source: layered, origin: true })],
    });
    const digest = await plant(bytes, cache);
    expect(await outer.stat(digest)).toBeDefined();
    expect(await outer.durable(digest)).toBeUndefined();
    await plant(bytes, origin);
    expect(await outer.durable(digest)).toEqual({ digest, size: 10 });
  });
});

describe("delete", () => {
  const bytes = someBytes(10);

  // The origin first, then the caches; what is somebody else's is left alone, and said so.
  test("tells what each tier did", async () => {
    const cache = memoryCache({ bytesMax: 100_000 });
    const foreign = scriptedStore("foreign");
    const origin = scriptedStore("origin");
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "foreign", source: foreign }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    const digest = await plant(bytes, origin, foreign);
    await cache.put(bytes, { digest });
    const said: string[] = [];
    const onAttempt = ({ tier, outcome }: { tier: string; outcome: string }): void =>
      void said.push(`${tier} ${outcome}`);
    expect(await store.delete(digest, { onAttempt })).toBe(true);
    expect(said).toEqual(["origin hit", "foreign skipped", "cache hit"]);
    expect(await foreign.stat(digest)).toBeDefined();
    expect(await cache.stat(digest)).toBeUndefined();
  });

  test("says so where a cache could not be emptied", async () => {
    const cache = scriptedStore("cache");
    cache.delete = () => Promise.reject(new Error("stuck"));
    const origin = scriptedStore("origin");
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    const digest = await plant(bytes, cache, origin);
    await expect(store.delete(digest)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      source: "cache",
    });
    expect(await origin.stat(digest)).toBeUndefined();
  });
});

describe("ranges over tiers", () => {
  const small = someBytes(1000);
  const large = someBytes(5 * 2 ** 20);

  test("of a small blob are cut from verified bytes, past a corrupt copy", async () => {
    const rotten = scriptedStore("rotten", "corrupt");
    const good = scriptedStore("good");
    const tiers = [rotten, good].map((source) => defineTier({ name: source.name, source }));
    const digest = await plant(small, rotten, good);
    const content = await composite({ tiers }).open(digest, { range: { start: 10, end: 20 } });
    expect(content?.verified).toBe(true);
    expect(content?.size).toBe(1000);
    expect(await content?.bytes()).toEqual(small.subarray(10, 20));
  });

  test("of a large blob say that they are not verified, until it was read whole", async () => {
    const source = scriptedStore("source");
    const store = composite({ tiers: [defineTier({ name: "source", source })] });
    const digest = await plant(large, source);
    const range = { start: 4_500_000, end: undefined };
    const before = await store.open(digest, { range });
    expect(before?.verified).toBe(false);
    expect(await before?.bytes()).toEqual(large.subarray(4_500_000));
    const whole = await store.open(digest);
    await whole?.bytes();
    const after = await store.open(digest, { range, version: whole?.version });
    expect(after?.verified).toBe(true);
    await after?.bytes();
    expect(source.openReads).toBe(0);
  });

  // An API without ranges is read as far as needed, and cut.
  test.each([small, large])("from a tier that has no ranges", async (bytes) => {
    const inner = scriptedStore("api");
    const source = {
      ...readOnly(inner),
      capabilities: { ...inner.capabilities, rangeRead: false, put: false, list: false },
    };
    const store = composite({ tiers: [defineTier({ name: "api", source })] });
    const digest = await plant(bytes, inner);
    const content = await store.open(digest, { range: { start: 100, end: 200 } });
    expect(await content?.bytes()).toEqual(bytes.subarray(100, 200));
    await expect(
      store.open(digest, { range: { start: bytes.length, end: undefined } }),
    ).rejects.toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
    expect(inner.openReads).toBe(0);
  });
});

describe("explain", () => {
  test("reads verified, stops at the first hit, fills nothing and remembers nothing", async () => {
    const cache = scriptedStore("cache");
    const rotten = scriptedStore("rotten", "corrupt");
    const good = scriptedStore("good");
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "rotten", source: rotten }),
        defineTier({ name: "good", source: good }),
        defineTier({ name: "never", source: scriptedStore("never") }),
      ],
    });
    for (const size of [10, 5 * 2 ** 20]) {
      const digest = await plant(someBytes(size), rotten, good);
      const explanation = await store.explain(digest);
      expect(explanation).toMatchObject({ outcome: "found", tier: "good", size });
      expect(explanation.attempts.map(({ tier, outcome }) => `${tier} ${outcome}`)).toEqual([
        "cache miss",
        "rotten corrupt",
        "good hit",
      ]);
    }
    await store.drain();
    expect(cache.puts).toBe(0);
    expect((await store.explain(await plant(someBytes(3)))).outcome).toBe("absent");
    good.behaviour = "failed";
    expect((await store.explain(await plant(someBytes(3)))).outcome).toBe("unavailable");
  });
});

describe("list over tiers", () => {
  test("merges in order, each digest once", async () => {
    const a = scriptedStore("a");
    const b = scriptedStore("b");
    const tiers = [a, b].map((source) => defineTier({ name: source.name, source }));
    const digests = new Set<string>();
    for (let seed = 1; seed <= 30; seed += 1) {
      const stores = seed % 3 === 0 ? [a, b] : seed % 3 === 1 ? [a] : [b];
      digests.add(await plant(someBytes(20, seed), ...stores));
    }
    const listed: string[] = [];
    for await (const { digest } of composite({ tiers }).list()) listed.push(digest);
    expect(listed).toEqual([...digests].sort());
  });
});
