import { faultyStore, inTurn } from "@bitstore/conformance";
import {
  type BlobStore,
  bucketStore,
  composite,
  type Content,
  contentOfBytes,
  defineTier,
  type Digest,
  limited,
  memoryBucket,
  type OpenOptions,
  shardedLayout,
  spoolOpener,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

// What the simulator of the composite found, each in its smallest form.

const large = someBytes(9 * 2 ** 20);
const plain = (): BlobStore => bucketStore(memoryBucket(), shardedLayout(""));

async function bytesOf(content: Content | undefined): Promise<Uint8Array> {
  return (await content?.bytes()) ?? new Uint8Array();
}

describe("a stream that breaks while it fills a cache", () => {
  // The fill holds the cache's only place and waits for bytes; to ask that cache for them would wait
  // for the place.
  test("is not gone on with from the very cache that it fills", async () => {
    const origin = scriptedStore("origin", "breaks");
    const digest = await plant(large, origin);
    const cache = limited(plain(), { concurrencyMax: 1 });
    const behind = plain();
    await behind.put(large);
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "origin", source: origin }),
        defineTier({ name: "behind", source: behind, origin: true }),
      ],
    });
    expect(Buffer.compare(await bytesOf(await store.open(digest)), large)).toBe(0);
    await store.drain();
    expect(Buffer.compare(await bytesOf(await cache.open(digest)), large)).toBe(0);
  });
});

/** A store that answers a range with bytes of its own choice. */
function answering(
  inner: BlobStore,
  answer: (range: { readonly start: number; readonly end: number | undefined }) => {
    readonly start: number;
    readonly bytes: Uint8Array;
  },
): BlobStore {
  return {
    ...inner,
    async open(digest: Digest, call: OpenOptions = {}) {
      if (call.range === undefined) return await inner.open(digest, call);
      const { start, bytes } = answer({ start: call.range.start, end: call.range.end });
      const range = { start, end: start + bytes.byteLength };
      return contentOfBytes({ size: large.byteLength, range, source: inner.name }, bytes);
    },
  };
}

describe("a range that is answered with something else", () => {
  const range = { start: 7, end: 5_000_007 };

  test("the whole blob: it is cut", async () => {
    const inner = plain();
    const { digest } = await inner.put(large);
    const source = answering(inner, () => ({ start: 0, bytes: large }));
    const store = composite({ tiers: [defineTier({ name: "a", source, origin: true })] });
    const got = await bytesOf(await store.open(digest, { range }));
    expect(Buffer.compare(got, large.subarray(7, 5_000_007))).toBe(0);
  });

  test("fewer bytes: it is no clean end", async () => {
    const inner = plain();
    const { digest } = await inner.put(large);
    const source = answering(inner, ({ start }) => ({ start, bytes: large.subarray(7, 100) }));
    const store = composite({ tiers: [defineTier({ name: "a", source, origin: true })] });
    const content = await store.open(digest, { range });
    await expect(content?.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const streamed = await store.open(digest, { range });
    await expect(
      (async () => {
        for await (const _ of streamed?.body ?? []);
      })(),
    ).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("other bytes: the next tier is asked", async () => {
    const inner = plain();
    const { digest } = await inner.put(large);
    const source = answering(inner, () => ({ start: 3, bytes: large.subarray(3, 5_000_003) }));
    const good = plain();
    await good.put(large);
    const store = composite({
      tiers: [
        defineTier({ name: "liar", source }),
        defineTier({ name: "good", source: good, origin: true }),
      ],
    });
    const content = await store.open(digest, { range });
    expect(content?.source).toBe("good");
    expect(Buffer.compare(await bytesOf(content), large.subarray(7, 5_000_007))).toBe(0);
  });

  test("where a broken stream goes on: nothing is put together wrongly", async () => {
    const inner = plain();
    const { digest } = await inner.put(large);
    const breaking = faultyStore(
      answering(inner, () => ({ start: 0, bytes: large })),
      inTurn({ open: [{ body: { atByte: 6_000_000, effect: "UNAVAILABLE" } }] }),
    );
    const store = composite({ tiers: [defineTier({ name: "a", source: breaking, origin: true })] });
    expect(Buffer.compare(await bytesOf(await store.open(digest)), large)).toBe(0);
  });
});

describe("a disk that is full or gone", () => {
  test("costs the fill, not the read", async () => {
    const origin = plain();
    const { digest } = await origin.put(large);
    const cache = scriptedStore("cache");
    const gate = Promise.withResolvers<void>();
    const put = cache.put.bind(cache);
    // The fill lags, so that the spool must keep bytes for it beyond its memory.
    cache.put = async (body, options) => {
      await gate.promise;
      return await put(body, options);
    };
    const store = composite({
      openSpool: spoolOpener({ spoolDirectory: "/nowhere/at/all", memoryBytesMax: 256 * 1024 }),
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    expect(Buffer.compare(await bytesOf(await store.open(digest)), large)).toBe(0);
    gate.resolve();
    await store.drain();
    expect(await cache.stat(digest)).toBeUndefined();
  });
});

describe("a reader that begins late", () => {
  test("gets its bytes, though another is far ahead", async () => {
    const origin = plain();
    const { digest } = await origin.put(large);
    const store = composite({
      openSpool: spoolOpener({ memoryBytesMax: 256 * 1024, spoolBytesMax: 2 ** 20 }),
      tiers: [defineTier({ name: "origin", source: origin, origin: true })],
    });
    const [late, early] = await Promise.all([store.open(digest), store.open(digest)]);
    expect(Buffer.compare(await bytesOf(early), large)).toBe(0);
    expect(Buffer.compare(await bytesOf(late), large)).toBe(0);
  });
});

describe("a range past the end", () => {
  test("is told as that, also where the tier's failure would end the read", async () => {
    const origin = plain();
    const { digest } = await origin.put(large);
    const store = composite({
      tiers: [defineTier({ name: "a", source: origin, origin: true, onFailure: "stop" })],
    });
    const range = { start: large.byteLength + 1, end: undefined };
    await expect(store.open(digest, { range })).rejects.toMatchObject({
      code: "RANGE_NOT_SATISFIABLE",
    });
  });
});
