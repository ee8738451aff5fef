import {
  composite,
  defineTier,
  fetchMany,
  isStoreError,
  readOnly,
  spoolOpener,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { plant, scriptedStore, someBytes } from "./scripted-tier.ts";

const bytes = someBytes(9 * 2 ** 20);
const tierOf = (source: ReturnType<typeof scriptedStore>) =>
  defineTier({ name: source.name, source, negativeTtlMs: 0 });

describe("races that were found by reading", () => {
  // The reader has had bytes of a fetch that turns out wrong, and was overrun: it must not go on
  // with the right bytes of another tier and end cleanly.
  test("a reader that lags behind wrong bytes never ends cleanly", async () => {
    const rotten = scriptedStore("rotten", "corrupt");
    const good = scriptedStore("good");
    const store = composite({
      tiers: [tierOf(rotten), tierOf(good)],
      openSpool: spoolOpener({ memoryBytesMax: 256 * 1024, spoolBytesMax: 2 ** 20 }),
    });
    const digest = await plant(bytes, rotten, good);
    const slow = (await store.open(digest))?.body[Symbol.asyncIterator]();
    const fast = await store.open(digest);
    await slow?.next();
    await expect(fast?.bytes()).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    const rest = (async () => {
      for (let step = await slow?.next(); step?.done === false; step = await slow?.next());
    })();
    await expect(rest).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  // Beyond the budget of the spools those who came together share a window, each with all bytes.
  test("many readers beyond the budget get the whole blob each", async () => {
    const source = scriptedStore("source");
    const store = composite({
      tiers: [tierOf(source)],
      openSpool: spoolOpener({ spoolsBytesMax: 0 }),
    });
    const digest = await plant(bytes, source);
    const reads = Array.from({ length: 6 }, async () => (await store.open(digest))?.bytes());
    for (const read of await Promise.all(reads)) {
      expect(Buffer.compare(read ?? new Uint8Array(), bytes)).toBe(0);
    }
    expect(source.openReads).toBe(0);
  });

  test("wrong bytes beyond the budget are remembered, too", async () => {
    const rotten = scriptedStore("rotten", "corrupt");
    const good = scriptedStore("good");
    const store = composite({
      tiers: [tierOf(rotten), tierOf(good)],
      openSpool: spoolOpener({ spoolsBytesMax: 0 }),
    });
    const digest = await plant(bytes, rotten, good);
    const outcomes = fetchMany(store, [digest], { deliver: (content) => content.bytes() });
    for await (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: "fetched", tier: "good" });
    }
  });

  // The first tier is rotten and breaks off as well; the good one finished its stream, and must not
  // be taken for the culprit.
  test("a good copy is found though it once finished a wrong stream", async () => {
    const rotten = scriptedStore("rotten", "hit");
    const good = scriptedStore("good");
    const store = composite({ tiers: [tierOf(rotten), tierOf(good)] });
    const digest = await plant(bytes, good);
    const wrong = bytes.slice();
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    const open = rotten.open.bind(rotten);
    const other = await plant(wrong, rotten);
    rotten.behaviour = "breaks";
    rotten.open = (_, options) => open(other, options);
    let read: Uint8Array | undefined;
    for (let turn = 0; turn < 4 && read === undefined; turn += 1) {
      read = await store
        .open(digest)
        .then((content) => content?.bytes())
        .catch((error: unknown) => (isStoreError(error) ? undefined : Promise.reject(error)));
    }
    expect(Buffer.compare(read ?? new Uint8Array(), bytes)).toBe(0);
  });

  // Aborted while the tier is being asked: what it answers later is let go, and so is the spool.
  test("an abort while a tier is asked gives the budget back", async () => {
    const source = scriptedStore("source");
    const openSpool = spoolOpener({ spoolsBytesMax: 2 * bytes.length });
    const store = composite({ tiers: [tierOf(source)], openSpool });
    const digest = await plant(bytes, source);
    for (let turn = 0; turn < 4; turn += 1) {
      const gate = Promise.withResolvers<void>();
      source.gate = gate.promise;
      const controller = new AbortController();
      const opening = store.open(digest, { signal: controller.signal });
      controller.abort();
      await expect(opening).rejects.toMatchObject({ code: "ABORTED" });
      gate.resolve();
      for (let wait = 0; wait < 20; wait += 1) await new Promise((next) => setImmediate(next));
    }
    const left = await openSpool(2 * bytes.length);
    expect(left).toBeDefined();
    expect(source.openReads).toBe(0);
  });

  // A blob of four kibibytes whose connection breaks is asked for once more, in its last tier.
  test("a small body that breaks once is read again", async () => {
    const source = scriptedStore("source", "breaks");
    source.gate = Promise.resolve();
    const store = composite({ tiers: [tierOf(source)] });
    const small = someBytes(4096);
    const digest = await plant(small, source);
    const open = source.open.bind(source);
    source.open = async (...call) => {
      const content = await open(...call);
      source.behaviour = "hit";
      return content;
    };
    expect(await (await store.open(digest))?.bytes()).toEqual(small);
    expect(source.opens).toBe(2);
  });
});

describe("ranges of copies that are stumps", () => {
  test("are taken from the copy that has them", async () => {
    const stump = scriptedStore("stump");
    const good = scriptedStore("good");
    const store = composite({ tiers: [tierOf(stump), tierOf(good)] });
    const digest = await plant(bytes, good);
    const short = await plant(bytes.subarray(0, 5 * 2 ** 20), stump);
    const open = stump.open.bind(stump);
    stump.open = (_, options) => open(short, options);
    const range = { start: 8 * 2 ** 20, end: 8 * 2 ** 20 + 100 };
    const content = await store.open(digest, { range });
    expect(await content?.bytes()).toEqual(bytes.subarray(range.start, range.end));
    await expect(
      store.open(digest, { range: { start: 9 * 2 ** 20, end: undefined } }),
    ).rejects.toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
  });

  test("do not end cleanly before their end", async () => {
    const inner = scriptedStore("api", "truncates");
    const source = {
      ...readOnly(inner),
      capabilities: { ...inner.capabilities, rangeRead: false, put: false, list: false },
    };
    const store = composite({ tiers: [defineTier({ name: "api", source })] });
    const digest = await plant(bytes, inner);
    const content = await store.open(digest, { range: { start: 4 * 2 ** 20, end: 8 * 2 ** 20 } });
    await expect(content?.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("fetchMany over an input that waits", () => {
  // Its list comes from a pipe in which nothing more is written: an abort, or leaving the loop, must
  // not wait for the next line.
  test("ends when it is told to", async () => {
    const source = scriptedStore("source");
    const digest = await plant(someBytes(10), source);
    async function* waiting(): AsyncGenerator<string> {
      yield digest;
      await new Promise(() => undefined);
    }
    const store = composite({ tiers: [tierOf(source)] });
    const deliver = (content: { bytes(): Promise<Uint8Array> }) => content.bytes();
    for await (const { status } of fetchMany(store, waiting(), { deliver })) {
      expect(status).toBe("fetched");
      break;
    }
    const controller = new AbortController();
    const run = (async () => {
      const options = { deliver, signal: controller.signal };
      for await (const _ of fetchMany(store, waiting(), options)) controller.abort();
    })();
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
  });
});
