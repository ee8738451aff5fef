import {
  type Content,
  composite,
  defineTier,
  digestSet,
  fetchMany,
  type FetchOutcome,
  parseDigest,
} from "@bitstore/core";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

const deliver = (content: Content): Promise<Uint8Array> => content.bytes();

async function collect<T>(outcomes: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const outcome of outcomes) all.push(outcome);
  return all;
}

function three() {
  const cache = scriptedStore("cache");
  const source = scriptedStore("source");
  const store = composite({
    tiers: [
      defineTier({ name: "cache", source: cache, role: "cache" }),
      defineTier({ name: "source", source, negativeTtlMs: 0 }),
    ],
  });
  return { cache, source, store };
}

describe("fetchMany", () => {
  // Good, cached, missing, malformed and corrupt ones side by side: each gets its own outcome, and
  // none of them ends the others. Duplicates, in whatever form, are fetched once.
  test("gives every distinct digest one outcome", async () => {
    const { cache, source, store } = three();
    const good = await plant(someBytes(10, 1), source);
    const near = await plant(someBytes(10, 2), cache);
    const absent = await plant(someBytes(10, 3));
    const inputs = [good, near, absent, "no digest", good.toUpperCase(), good.slice(7), near];
    const outcomes = await collect(fetchMany(store, inputs, { deliver, ordered: true }));
    expect(outcomes.map(({ index, status, tier }) => [index, status, tier])).toEqual([
      [0, "fetched", "source"],
      [1, "cached", "cache"],
      [2, "missing", undefined],
      [3, "failed", undefined],
    ]);
    expect(outcomes[0]?.value).toEqual(someBytes(10, 1));
    expect(outcomes[3]).toMatchObject({ input: "no digest", digest: undefined });
    expect(outcomes[3]?.error?.code).toBe("INVALID_ARGUMENT");
    source.behaviour = "failed";
    const failed = await collect(fetchMany(store, [absent], { deliver }));
    expect(failed[0]).toMatchObject({ status: "failed", error: { code: "UNAVAILABLE" } });
    expect(failed[0]?.attempts.map(({ outcome }) => outcome)).toEqual(["miss", "failed"]);
  });

  // The input has no end: only as much of it is pulled as is worked on or waits.
  test("pulls its input no further than it works", async () => {
    const { source, store } = three();
    let pulled = 0;
    async function* endless(): AsyncGenerator<string> {
      for (;;) {
        pulled += 1;
        yield `sha1:${createHash("sha1").update(String(pulled)).digest("hex")}`;
      }
    }
    const limits = { deliver, concurrencyMax: 8, waitingMax: 4 };
    let seen = 0;
    for await (const outcome of fetchMany(store, endless(), limits)) {
      expect(outcome.status).toBe("missing");
      seen += 1;
      expect(pulled).toBeLessThanOrEqual(seen + 8 + 4 + 1);
      if (seen === 100) break;
    }
    const opens = source.opens;
    await new Promise((resolve) => setImmediate(resolve));
    expect(source.opens).toBeLessThanOrEqual(opens + 1);
  });

  // The first digest is held up; those after it are worked on, and wait for it.
  test("keeps the order of its input if asked to", async () => {
    const { source, store } = three();
    const digests = [];
    for (let seed = 1; seed <= 40; seed += 1) digests.push(await plant(someBytes(8, seed), source));
    const gate = Promise.withResolvers<void>();
    const slow = async (content: Content, item: { index: number }): Promise<number> => {
      if (item.index === 0) await gate.promise;
      await content.bytes();
      if (item.index === 20) gate.resolve();
      return item.index;
    };
    const options = { deliver: slow, ordered: true, concurrencyMax: 4, waitingMax: 30 };
    const outcomes = await collect(fetchMany(store, digests, options));
    expect(outcomes.map(({ value }) => value)).toEqual(digests.map((_, index) => index));
  });

  // A large blob is wrong in the first tier, which shows at its end: it is delivered again from the
  // next tier, into a destination that is ours to write again.
  test("delivers again what was wrong at its end", async () => {
    const rotten = scriptedStore("rotten", "corrupt");
    const good = scriptedStore("good");
    const tiers = [rotten, good].map((source) => defineTier({ name: source.name, source }));
    const bytes = someBytes(5 * 2 ** 20);
    const digest = await plant(bytes, rotten, good);
    const outcomes = await collect(fetchMany(composite({ tiers }), [digest], { deliver }));
    expect(outcomes[0]).toMatchObject({ status: "fetched", tier: "good", size: bytes.length });
    expect(Buffer.compare(outcomes[0]?.value ?? new Uint8Array(), bytes)).toBe(0);
  });

  test("skips what is present", async () => {
    const { source, store } = three();
    const digest = await plant(someBytes(10), source);
    const options = { deliver, present: () => Promise.resolve(10) };
    const [outcome] = await collect(fetchMany(store, [digest], options));
    expect(outcome).toMatchObject({ status: "present", size: 10 });
    expect(source.opens).toBe(0);
  });

  test("ends with ABORTED, leaving no read open", async () => {
    const { source, store } = three();
    const digests = [];
    for (let seed = 1; seed <= 20; seed += 1) digests.push(await plant(someBytes(8, seed), source));
    const controller = new AbortController();
    const outcomes: FetchOutcome<Uint8Array>[] = [];
    const run = (async () => {
      const options = { deliver, concurrencyMax: 2, waitingMax: 1, signal: controller.signal };
      for await (const outcome of fetchMany(store, digests, options)) {
        outcomes.push(outcome);
        if (outcomes.length === 3) controller.abort();
      }
    })();
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
    expect(outcomes.length).toBeLessThan(20);
    expect(source.openReads).toBe(0);
  });

  test("rejects with what its input threw", async () => {
    const { store } = three();
    async function* broken(): AsyncGenerator<string> {
      yield parseDigest("a".repeat(40));
      throw new Error("the file is gone");
    }
    await expect(collect(fetchMany(store, broken(), { deliver }))).rejects.toThrow("file is gone");
  });
});

describe("the set of digests", () => {
  test("is exact", () => {
    const set = digestSet();
    const reference = new Set<string>();
    for (let count = 0; count < 20_000; count += 1) {
      const algorithm = count % 2 === 0 ? "sha1" : "sha256";
      const hex = createHash(algorithm)
        .update(String(count % 15_000))
        .digest("hex");
      const digest = parseDigest(`${algorithm}:${hex}`);
      expect(set.add(digest)).toBe(!reference.has(digest));
      reference.add(digest);
    }
    expect(set.size).toBe(reference.size);
  });
});
