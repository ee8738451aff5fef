import { describe, expect, test } from "vitest";
import {
  type BlobStore,
  bucketStore,
  type Composite,
  composite,
  defineTier,
  type Digest,
  memoryBucket,
  memoryCache,
  type PutJournal,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import { plant, scriptedStore, type ScriptedStore, someBytes } from "./scripted-tier.ts";

interface FakeJournal extends PutJournal {
  /** Brings a blob to the origin, as an upload does: it is in both for a moment, never in none. */
  upload(digest: Digest): Promise<void>;
  disposed: boolean;
}

/** A journal in memory, which uploads when it is told to. */
function fakeJournal(origin: BlobStore): FakeJournal {
  const store = bucketStore(memoryBucket("journal"), shardedLayout(""), { name: "journal" });
  const waiting = new Map<Digest, PromiseWithResolvers<void>>();
  const journal: FakeJournal = {
    disposed: false,
    source: { ...store, capabilities: { ...store.capabilities, put: false } },
    async put(body, options) {
      const result = await store.put(body, options);
      if (!waiting.has(result.digest)) waiting.set(result.digest, Promise.withResolvers());
      return result;
    },
    settled: async (digest) => await waiting.get(digest)?.promise,
    drain: () => Promise.resolve(),
    async upload(digest) {
      const bytes = await (await store.open(digest))?.bytes();
      if (bytes === undefined) return;
      await origin.put(bytes, { digest });
      await store.delete(digest);
      waiting.get(digest)?.resolve();
      waiting.delete(digest);
    },
    [Symbol.asyncDispose]() {
      journal.disposed = true;
      return Promise.resolve();
    },
  };
  return journal;
}

interface Setup {
  readonly store: Composite;
  readonly origin: ScriptedStore;
  readonly cache: BlobStore;
  readonly journal: FakeJournal;
}

function setUp(): Setup {
  const origin = scriptedStore("origin");
  const journal = fakeJournal(origin);
  const cache = memoryCache({ bytesMax: 2 ** 20 });
  const tiers = [
    defineTier({ name: "cache", source: cache, role: "cache" }),
    defineTier({ name: "origin", source: origin, origin: true }),
  ];
  return { store: composite({ tiers, journal }), origin, cache, journal };
}

const bytes = someBytes(1000);

describe("a composite with a journal", () => {
  // The origin takes nothing, and the put is acknowledged all the same: every question but the one
  // for durability sees the blob, which stands just before the origin.
  test("acknowledges before the origin has it, and shows what is pending", async () => {
    const { store, origin } = setUp();
    origin.put = () => Promise.reject(new Error("down"));
    const { digest, outcome } = await store.put(bytes);
    expect(outcome).toBe("created");
    expect(store.tiers.map(({ name }) => name)).toEqual(["cache", "pending", "origin"]);
    const content = await store.open(digest);
    expect(content).toMatchObject({ source: "pending", role: "cache", verified: true });
    expect(await content?.bytes()).toEqual(bytes);
    expect(await store.stat(digest)).toEqual({ digest, size: 1000 });
    expect(await store.durable(digest)).toBeUndefined();
    const listed: Digest[] = [];
    for await (const each of store.list()) listed.push(each.digest);
    expect(listed).toEqual([digest]);
  });

  test("explains it, and fills the caches that the origin does", async () => {
    const { store, cache } = setUp();
    const { digest } = await store.put(bytes);
    expect(await store.explain(digest)).toMatchObject({ outcome: "found", tier: "pending" });
    await (await store.open(digest))?.bytes();
    await store.drain();
    expect(await cache.stat(digest)).toBeDefined();
  });

  // The miss is answered while the blob is pending but unreadable there, and it must not be remembered
  // once the blob has left the journal for the origin.
  test("never says that a blob is absent which has just arrived", async () => {
    const { store, origin, journal } = setUp();
    const { digest } = await store.put(bytes);
    const readable = journal.source.open;
    journal.source.open = () =>
      Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "open", message: "disk" }));
    await expect(store.open(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    journal.source.open = readable;
    await journal.upload(digest);
    expect(await origin.stat(digest)).toBeDefined();
    expect(await (await store.open(digest))?.bytes()).toEqual(bytes);
    expect(await store.durable(digest)).toBeDefined();
  });

  // A blob that moves while it is listed is in one list or the other: what is pending is listed first.
  test("lists a blob that arrives while the list begins", async () => {
    const { store, origin, journal } = setUp();
    const { digest } = await store.put(bytes);
    const { list } = origin;
    origin.list = async function* (call) {
      const before: Digest[] = [];
      for await (const each of list(call)) before.push(each.digest);
      await journal.upload(digest);
      for (const each of before) yield { digest: each, size: 0 };
    };
    const { list: listPending } = journal.source;
    journal.source.list = async function* (call) {
      // An origin that was asked at the same time would have answered by now.
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
      yield* listPending(call);
    };
    const listed: Digest[] = [];
    for await (const each of store.list()) listed.push(each.digest);
    expect(listed).toEqual([digest]);
  });

  test("deletes from the journal before the origin, and then from the caches", async () => {
    const { store, origin, cache, journal } = setUp();
    const { digest } = await store.put(bytes);
    await plant(bytes, origin, cache);
    const said: string[] = [];
    const deleted = await store.delete(digest, {
      onAttempt: ({ tier, outcome }) => void said.push(`${tier} ${outcome}`),
    });
    expect(deleted).toBe(true);
    expect(said).toEqual(["pending hit", "origin hit", "cache hit"]);
    await journal.upload(digest);
    expect(await store.stat(digest)).toBeUndefined();
  });

  // What is still pending would be uploaded after the delete, so the origin is not even asked.
  test("deletes nothing where the journal could not", async () => {
    const { store, origin, journal } = setUp();
    const { digest } = await store.put(bytes);
    await plant(bytes, origin);
    journal.source.delete = () =>
      Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "delete", message: "disk" }));
    await expect(store.delete(digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await origin.stat(digest)).toBeDefined();
  });

  test("settles when the origin has it, and at once without a journal", async () => {
    const { store, journal } = setUp();
    const { digest } = await store.put(bytes);
    const settled = store.settled(digest).then(() => "settled");
    expect(await Promise.race([settled, Promise.resolve("waiting")])).toBe("waiting");
    await journal.upload(digest);
    expect(await settled).toBe("settled");
    const tiers = [defineTier({ name: "a", source: scriptedStore("a"), origin: true })];
    await composite({ tiers }).settled(digest);
  });

  test("puts what a weak digest names into the journal too", async () => {
    const { store, origin } = setUp();
    const { digest } = await store.put(bytes, { algorithm: "sha1" });
    expect(origin.puts).toBe(0);
    expect(await (await store.open(digest))?.bytes()).toEqual(bytes);
  });

  test("disposes the journal while the origin is open still", async () => {
    const { store, origin, journal } = setUp();
    let wasDisposed: boolean | undefined;
    origin[Symbol.asyncDispose] = () => {
      wasDisposed = journal.disposed;
      return Promise.resolve();
    };
    await store[Symbol.asyncDispose]();
    expect(wasDisposed).toBe(true);
  });

  test("needs an origin, and its tier's name for itself", () => {
    const source = scriptedStore("a");
    const journal = fakeJournal(source);
    const open = (tier: Parameters<typeof defineTier>[0]) => (): unknown =>
      composite({ tiers: [defineTier(tier)], journal });
    expect(open({ name: "a", source })).toThrow("no tier is writable");
    expect(open({ name: "pending", source, origin: true })).toThrow("is taken");
    const putting = { ...journal, source };
    expect(() =>
      composite({ tiers: [defineTier({ name: "a", source, origin: true })], journal: putting }),
    ).toThrow("takes puts");
  });
});
