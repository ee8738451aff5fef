import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type Attempt,
  type BlobStore,
  composite,
  type Composite,
  contentOfBytes,
  defineTier,
  type Digest,
  measured,
  memoryCache,
  readHeld,
  type WeakDigests,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

// What the cache in memory holds it has verified, so the composite hands it out as it is. Bytes are
// spoilt in the cache's own array, which nobody may do, to see who hashes them and who does not.

const bytes = someBytes(1000);
const rot = bytes.map((each, at) => (at === 0 ? each ^ 1 : each));

interface Stack {
  readonly store: Composite;
  readonly origin: ReturnType<typeof scriptedStore>;
  readonly digest: Digest;
}

async function before(cache: BlobStore, weakDigests?: WeakDigests): Promise<Stack> {
  const origin = scriptedStore("origin");
  const digest = await plant(bytes, origin);
  const store = composite({
    tiers: [
      defineTier({ name: "memory", source: cache, role: "cache" }),
      defineTier({ name: "origin", source: origin, origin: true }),
    ],
    weakDigests,
  });
  return { store, origin, digest };
}

/** A cache in memory that has the blob, and a way to spoil it. */
async function filled(): Promise<{ readonly cache: BlobStore; spoil(): Promise<void> }> {
  const cache = memoryCache({ bytesMax: 2 ** 20, name: "memory" });
  const { digest } = await cache.put(bytes);
  return {
    cache,
    spoil: async () => (await (await cache.open(digest))?.bytes())?.set(rot),
  };
}

async function read(store: BlobStore, digest: Digest): Promise<Uint8Array | undefined> {
  return await (await store.open(digest))?.bytes();
}

describe("a hit in memory", () => {
  test("is read at once, where it is not larger than what is wanted in one piece", async () => {
    const { cache } = await filled();
    const { store, origin, digest } = await before(cache);
    const told: Attempt[] = [];
    const onAttempt = (attempt: Attempt): void => void told.push(attempt);
    expect(readHeld(store, digest, { bytesMax: 999, onAttempt })).toBeUndefined();
    expect(told).toEqual([]);
    expect(readHeld(store, digest, { bytesMax: 1000, onAttempt })).toEqual({
      bytes,
      tier: "memory",
    });
    expect(told).toMatchObject([{ tier: "memory", outcome: "hit", bytes: 1000 }]);
    // A store with an `open` of its own sees each read.
    const other = { ...store, open: async () => await Promise.resolve(undefined) };
    expect(readHeld(other, digest, { bytesMax: 1000 })).toBeUndefined();
    expect(origin.opens).toBe(0);
  });

  test("is handed out as it is, and says all that any hit says", async () => {
    const { cache, spoil } = await filled();
    const { store, origin, digest } = await before(cache);
    const told: Attempt[] = [];
    const heard: unknown[] = [];
    const onMessage = (message: unknown): void => void heard.push(message);
    subscribe("bitstore:attempt", onMessage);
    const content = await store.open(digest, { onAttempt: (attempt) => told.push(attempt) });
    unsubscribe("bitstore:attempt", onMessage);
    expect(content).toMatchObject({ size: 1000, range: { start: 0, end: 1000 }, verified: true });
    expect(content).toMatchObject({ source: "memory", role: "cache", version: `memory ${digest}` });
    expect(await content?.bytes()).toEqual(bytes);
    expect(told).toMatchObject([{ tier: "memory", outcome: "hit", bytes: 1000 }]);
    const attempt = told[0];
    expect(heard).toEqual([{ composite: "composite", digest, operation: "open", attempt }]);
    await spoil();
    expect(await read(store, digest)).toEqual(rot);
    expect(origin.opens).toBe(0);
  });

  test("gives each reader a copy, unless it promises to write into nothing", async () => {
    const { cache } = await filled();
    const { store, digest } = await before(cache);
    const range = { start: 0, end: 10 };
    (await read(store, digest))?.fill(0);
    (await (await store.open(digest, { range }))?.bytes())?.fill(0);
    expect(await read(store, digest)).toEqual(bytes);
    const borrowed = async (): Promise<Uint8Array | undefined> =>
      await (await store.open(digest, { borrows: true }))?.bytes();
    expect((await borrowed())?.buffer).toBe((await borrowed())?.buffer);
  });

  test("gives verified ranges, and refuses those that lie outside", async () => {
    const { store, digest } = await before((await filled()).cache);
    const content = await store.open(digest, { range: { start: 990, end: 2000 } });
    expect(content).toMatchObject({ size: 1000, range: { start: 990, end: 1000 }, verified: true });
    expect(await content?.bytes()).toEqual(bytes.subarray(990));
    const outside = store.open(digest, { range: { start: 1000, end: undefined } });
    await expect(outside).rejects.toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
  });

  test("is not read by who has gone, or where the tier is to be avoided", async () => {
    const { store, origin, digest } = await before((await filled()).cache);
    const gone = store.open(digest, { signal: AbortSignal.abort() });
    await expect(gone).rejects.toMatchObject({ code: "ABORTED" });
    const content = await store.open(digest, { avoid: new Set(["memory"]) });
    expect(content?.source).toBe("origin");
    await content?.bytes();
    expect(origin.opens).toBe(1);
  });

  test("is gone with its delete", async () => {
    const { store, digest } = await before((await filled()).cache);
    expect(await read(store, digest)).toEqual(bytes);
    expect(await store.delete(digest)).toBe(true);
    expect(await read(store, digest)).toBeUndefined();
  });

  test("counts as a request where the cache is measured", async () => {
    const cache = measured((await filled()).cache);
    const { store, digest } = await before(cache);
    for (let n = 0; n < 3; n += 1) await read(store, digest);
    expect(cache.recent()).toMatchObject({ requests: 3, failures: 0, inFlight: 0 });
  });

  test("is passed over once an explanation, which hashes, has found it wrong", async () => {
    const { cache, spoil } = await filled();
    const { store, digest } = await before(cache);
    await spoil();
    const { tier, attempts } = await store.explain(digest);
    expect(tier).toBe("origin");
    expect(attempts).toMatchObject([{ outcome: "corrupt" }, { outcome: "hit" }]);
    // The read past it heals it, so that the next is answered from memory again.
    expect(await read(store, digest)).toEqual(bytes);
    await store.drain();
    expect((await store.open(digest))?.source).toBe("memory");
    expect(await read(store, digest)).toEqual(bytes);
  });
});

describe("nobody but the cache in memory is taken at its word", () => {
  // A source that calls wrong bytes verified, whole and in ranges.
  test("not a source that calls its bytes verified", async () => {
    const { cache } = await filled();
    const parts = { size: rot.byteLength, source: "liar", verified: true, version: "1" };
    const liar: BlobStore = { ...cache, open: async () => contentOfBytes(parts, rot) };
    const whole = await before(liar);
    expect(await read(whole.store, whole.digest)).toEqual(bytes);
    const part = await before(liar);
    const content = await part.store.open(part.digest, { range: { start: 0, end: 10 } });
    expect(await content?.bytes()).toEqual(bytes.subarray(0, 10));
    expect(content?.source).toBe("origin");
  });

  test("nor a range of a large blob that its source calls verified", async () => {
    const large = someBytes(5 * 2 ** 20);
    const source = scriptedStore("liar");
    const digest = await plant(large, source);
    const { open } = source;
    const liar: BlobStore = {
      ...source,
      async open(...asked) {
        const content = await open(...asked);
        return content && { ...content, verified: true };
      },
    };
    const store = composite({ tiers: [defineTier({ name: "liar", source: liar })] });
    const content = await store.open(digest, { range: { start: 0, end: 10 } });
    expect(content?.verified).toBe(false);
    await content?.bytes();
  });

  test("nor a store around the cache that reads by an open of its own", async () => {
    const { cache, spoil } = await filled();
    const around: BlobStore = { ...cache, open: (digest, options) => cache.open(digest, options) };
    const { store, digest } = await before(around);
    await spoil();
    expect(await read(store, digest)).toEqual(bytes);
  });

  test("while a store around it that reads as it does is one with it", async () => {
    const { cache, spoil } = await filled();
    const { store, digest } = await before({ ...cache, name: "renamed" });
    await spoil();
    expect(await read(store, digest)).toEqual(rot);
  });

  // The record of a weak digest is asked at each read, wherever its bytes come from.
  test("and not for a weak digest", async () => {
    let asked = 0;
    const weak: WeakDigests = {
      isWeak: () => true,
      confirm: () => {
        asked += 1;
        return Promise.resolve();
      },
      strongOf: () => Promise.resolve(undefined),
    };
    const { store, digest } = await before((await filled()).cache, weak);
    await read(store, digest);
    await read(store, digest);
    expect(asked).toBe(2);
  });
});

// The cache verifies a copy of its own: whoever gave the bytes may rewrite them a moment later.
test("a chunk that is rewritten after it was put changes nothing", async () => {
  const cache = memoryCache({ bytesMax: 2 ** 20 });
  const given = bytes.slice();
  const { digest } = await cache.put(async function* () {
    yield given;
  });
  given.fill(0);
  expect(await read(cache, digest)).toEqual(bytes);
});
