import {
  type BlobStore,
  bucketStore,
  composite,
  contentOfStream,
  defineTier,
  type Digest,
  limited,
  memoryBucket,
  memoryCache,
  shardedLayout,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { manualClock } from "./manual-clock.ts";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

// What a cache that hangs, and callers who leave, may cost others: every wait for them ends.

const layout = shardedLayout("");

/** A cache whose puts are never answered and heed no signal. */
function hungCache(): BlobStore {
  return { ...memoryCache({ bytesMax: 2 ** 20 }), put: () => new Promise(() => undefined) };
}

describe("a cache whose puts hang", () => {
  test("lets reads go on, and neither a delete nor the end waits for ever", async () => {
    const origin = scriptedStore("origin");
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: hungCache(), role: "cache" }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
      limits: { fillQueueBytesMax: 100, fillStuckMs: 20, fillSettleMs: 20, drainMs: 20 },
    });
    const digests: Digest[] = [];
    for (const size of [80, 81, 82]) digests.push(await plant(someBytes(size), origin));
    for (const digest of digests) {
      expect(await (await store.open(digest))?.bytes()).toHaveLength(80 + digests.indexOf(digest));
    }
    const [first] = digests;
    if (first === undefined) throw new Error("nothing was planted");
    await expect(store.delete(first)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await store[Symbol.asyncDispose]();
  });
});

describe("readers who ask for large blobs and leave", () => {
  test("leave a bounded number of fetches, and what goes on is filled", async () => {
    const bytes = someBytes(6 * 2 ** 20);
    const all = bucketStore(memoryBucket(), layout);
    const digests: Digest[] = [];
    for (let each = 0; each < 5; each += 1) {
      const other = bytes.slice();
      other[0] = each;
      digests.push((await all.put(other)).digest);
    }
    const go = Promise.withResolvers<void>();
    const ended: string[] = [];
    const slow: BlobStore = {
      ...all,
      async open(digest, options) {
        const content = await all.open(digest, options);
        const whole = await content?.bytes();
        if (whole === undefined) return undefined;
        return contentOfStream({ size: whole.byteLength, source: "slow" }, async function* () {
          try {
            // The newest chunk is always held back, so a reader sees the one before it.
            yield whole.subarray(0, 100);
            yield whole.subarray(100, 200);
            await Promise.race([go.promise, aborted(options?.signal)]);
            yield whole.subarray(200);
          } finally {
            ended.push(digest);
          }
        });
      },
    };
    const cache = memoryCache({ bytesMax: 2 ** 27 });
    const store = composite({
      tiers: [
        defineTier({ name: "cache", source: cache, role: "cache" }),
        defineTier({ name: "slow", source: slow }),
      ],
      limits: { abandonedFillsMax: 2 },
    });
    for (const digest of digests) {
      const content = await store.open(digest);
      const chunks = content?.body[Symbol.asyncIterator]();
      await chunks?.next();
      await chunks?.return?.();
    }
    await expect.poll(() => ended.length).toBe(3);
    go.resolve();
    await store.drain();
    const filled = await Promise.all(digests.map(async (digest) => await cache.stat(digest)));
    expect(filled.map((found) => found !== undefined)).toEqual([true, true, false, false, false]);
  });
});

describe("a store all of whose places are held by reads that nobody reads on", () => {
  test("says so to who waits, and serves again when one is given back", async () => {
    const clock = manualClock();
    const inner = bucketStore(memoryBucket(), layout);
    const { digest } = await inner.put(someBytes(10));
    const streamed: BlobStore = {
      ...inner,
      open: () =>
        Promise.resolve(
          contentOfStream({ size: 10, source: "x" }, async function* () {
            yield await Promise.resolve(someBytes(10));
          }),
        ),
    };
    const store = limited(streamed, { concurrencyMax: 1, clock, stuckMs: 1000 });
    const held = await store.open(digest);
    const waiting = store.stat(digest);
    const told = expect(waiting).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await clock.advance(999);
    expect(store.limit().waiting).toBe(1);
    await clock.advance(1);
    await told;
    await held?.[Symbol.asyncDispose]();
    expect(await store.stat(digest)).toEqual({ digest, size: 10 });
  });
});

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}
