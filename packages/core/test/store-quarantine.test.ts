import {
  type BlobStore,
  type Bucket,
  bucketStore,
  composite,
  defineTier,
  type Digest,
  digestOf,
  flatLayout,
  hexOf,
  isStoreError,
  memoryBucket,
  memoryCache,
  shardedLayout,
  withTimeout,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { manualClock } from "./manual-clock.ts";
import { beforePuts, collectAlarms, flipping, keysOf, textOf } from "./rotten-buckets.ts";

// A wrong copy is condemned by two whole reads, its bytes are kept aside with word of who gave them,
// and only then is it replaced, under its version. Whatever comes between leaves nothing lost.

const alarms = collectAlarms();
const layout = shardedLayout("");
const bytes = new TextEncoder().encode("what the digest names");
const rot = new TextEncoder().encode("WHAT the digest names");
const digest = await digestOf(bytes, "sha256");
const found = await digestOf(rot, "sha256");
const key = layout.key(digest);
const keptKey = `quarantine/${key}/${hexOf(found)}`;

async function rottenBucket(wrong = rot): Promise<Bucket> {
  const bucket = memoryBucket("memory:rotten");
  await bucket.put(key, wrong);
  return bucket;
}

async function readAll(store: BlobStore): Promise<string> {
  const content = await store.open(digest);
  return new TextDecoder().decode(await content?.bytes());
}

/** Puts the right bytes where wrong ones may be, as a fill, a repair and a caller do. */
const heal = (bucket: Bucket) => bucketStore(bucket, layout).put(bytes, { digest });

describe("a wrong copy in a cache tier", () => {
  test("is replaced once, however many read it, and its bytes are kept with who gave them", async () => {
    const inner = await rottenBucket();
    const replaced: string[] = [];
    const bucket = beforePuts(inner, async (put, ifVersion) => {
      if (put === key && ifVersion !== undefined) replaced.push(put);
    });
    const origin = bucketStore(memoryBucket(), layout);
    await origin.put(bytes);
    await using store = composite({
      tiers: [
        defineTier({ name: "cache", source: bucketStore(bucket, layout), role: "cache" }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    const version = (await inner.head(key))?.version;
    const texts = await Promise.all(Array.from({ length: 32 }, () => readAll(store)));
    expect(new Set(texts)).toEqual(new Set(["what the digest names"]));
    await store.drain();
    expect(replaced).toEqual([key]);
    expect(await textOf(inner, key)).toBe("what the digest names");
    expect(await keysOf(inner, "quarantine/")).toEqual([keptKey, `${keptKey}.json`]);
    expect(await textOf(inner, keptKey)).toBe("WHAT the digest names");
    const copy = {
      store: "memory:rotten",
      key,
      version,
      size: rot.byteLength,
      found,
      reads: 2,
      foundBy: "put",
      foundAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      kept: keptKey,
    };
    const record: unknown = JSON.parse((await textOf(inner, `${keptKey}.json`)) ?? "");
    expect(record).toEqual({ version: 1, digest, copy });
    expect(alarms).toMatchObject([
      { kind: "corrupt-copy", subject: digest, source: "cache" },
      { kind: "copy-quarantined", subject: digest, source: "memory:rotten", provenance: copy },
    ]);
  });

  test("that is wrong in the other tier too stays, and the read says what both gave", async () => {
    const [first, second] = [await rottenBucket(), await rottenBucket()];
    await using store = composite({
      tiers: [
        defineTier({ name: "cache", source: bucketStore(first, layout), role: "cache" }),
        defineTier({ name: "origin", source: bucketStore(second, layout), origin: true }),
      ],
    });
    const error: unknown = await store.open(digest).catch((thrown: unknown) => thrown);
    if (!isStoreError(error, "UNAVAILABLE")) throw new Error("it should not be found");
    expect(error.attempts?.map(({ tier, outcome }) => [tier, outcome])).toEqual([
      ["cache", "corrupt"],
      ["origin", "corrupt"],
    ]);
    await store.drain();
    for (const bucket of [first, second]) {
      expect(await keysOf(bucket)).toEqual([key]);
      expect(await textOf(bucket, key)).toBe("WHAT the digest names");
    }
  });

  test("stays where healing is off, and an alarm tells of it", async () => {
    const bucket = await rottenBucket();
    const origin = bucketStore(memoryBucket(), layout);
    await origin.put(bytes);
    const source = bucketStore(bucket, layout);
    await using store = composite({
      tiers: [
        defineTier({ name: "cache", source, role: "cache", heal: false }),
        defineTier({ name: "origin", source: origin, origin: true }),
      ],
    });
    expect(await readAll(store)).toBe("what the digest names");
    await store.drain();
    expect(await keysOf(bucket)).toEqual([key]);
    expect(alarms).toMatchObject([{ kind: "corrupt-copy", source: "cache" }]);
  });
});

describe("a mismatch", () => {
  const upset = (given: Uint8Array): Uint8Array => given.map((byte, at) => (at === 3 ? 0 : byte));

  test("in one read of a good copy condemns nothing, in a composite or in a put", async () => {
    const inner = memoryBucket();
    await inner.put(key, bytes);
    for (const flipped of [1, 2]) {
      const bucket = flipping(inner, key, (given, read) =>
        read === flipped ? upset(given) : given,
      );
      const tier = defineTier({ name: "only", source: bucketStore(bucket, layout), origin: true });
      await using store = composite({ tiers: [tier] });
      expect(await readAll(store)).toBe("what the digest names");
      expect(await heal(bucket)).toMatchObject({ outcome: "existed" });
      expect(bucket.reads()).toBeGreaterThan(2);
    }
    expect(await keysOf(inner)).toEqual([key, "_bitstore.json"].sort());
    expect(alarms).toEqual([]);
  });

  test("that each read gives another of is of the way here: nothing is kept or replaced", async () => {
    const inner = memoryBucket();
    await inner.put(key, bytes);
    const bucket = flipping(inner, key, (given, read) => given.map((byte) => byte ^ read));
    await expect(heal(bucket)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await keysOf(inner, "quarantine/")).toEqual([]);
    expect((await inner.head(key))?.version).toBe("v1");
  });

  test("is not confirmed by a copy of the same wrong bytes that was kept before", async () => {
    // The bucket says at once that it has them, and asks for nothing. Only a second read can tell.
    const inner = memoryBucket();
    await inner.put(key, bytes);
    await inner.put(keptKey, rot);
    const quick: Bucket = {
      ...inner,
      put: async (put, body, options) =>
        options?.ifAbsent === true && (await inner.head(put)) !== undefined
          ? "existed"
          : await inner.put(put, body, options),
    };
    // One read of the put that comes upon it, and one of the two that condemn.
    const bucket = flipping(quick, key, (given, read) => (read <= 2 ? rot : given));
    await expect(heal(bucket)).rejects.toThrow(/two reads of a wrong object gave different bytes/);
    const { capabilities } = inner;
    const fixed = { ...quick, capabilities: { ...capabilities, replaceIfMatch: false } };
    const again = flipping(fixed, key, (given, read) => (read <= 2 ? rot : given));
    await expect(heal(again)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect((await inner.head(key))?.version).toBe("v1");
    expect(alarms).toEqual([]);
  });

  test("of a read that is cut short each time is of the way here too", async () => {
    const inner = memoryBucket();
    await inner.put(key, bytes);
    const bucket = flipping(inner, key, (given) => given.subarray(0, 5));
    await expect(heal(bucket)).rejects.toThrow(/a read gave 5 of 21 bytes/);
    expect(await keysOf(inner, "quarantine/")).toEqual([]);
  });
});

describe("what comes between the reads and the replacement", () => {
  test("a writer who was faster keeps what it wrote", async () => {
    const inner = await rottenBucket();
    let version: string | undefined;
    const bucket = beforePuts(inner, async (put, ifVersion) => {
      if (put !== key || ifVersion === undefined || version !== undefined) return;
      await inner.put(key, bytes);
      version = (await inner.head(key))?.version;
    });
    expect(await heal(bucket)).toMatchObject({ outcome: "existed" });
    expect(version).toBeDefined();
    expect((await inner.head(key))?.version).toBe(version);
  });

  test("an object that is gone by then is put as a new one", async () => {
    const inner = await rottenBucket();
    const bucket = beforePuts(inner, async (_, ifVersion) => {
      if (ifVersion !== undefined) await inner.delete(key);
    });
    expect(await heal(bucket)).toMatchObject({ outcome: "created" });
    expect(await textOf(inner, keptKey)).toBe("WHAT the digest names");
  });

  test.each([
    ["the copy", (put: string) => put === keptKey],
    ["the record", (put: string) => put === `${keptKey}.json`],
    [
      "the replacement",
      (put: string, ifVersion?: string) => put === key && ifVersion !== undefined,
    ],
  ])("a death before %s leaves what was there, and the next one carries on", async (_, isLast) => {
    const inner = await rottenBucket();
    const dying = beforePuts(inner, async (put, ifVersion) => {
      if (isLast(put, ifVersion)) throw new Error("killed");
    });
    await expect(heal(dying)).rejects.toThrow("killed");
    expect(await textOf(inner, key)).toBe("WHAT the digest names");
    expect(await heal(inner)).toMatchObject({ outcome: "created" });
    expect(await textOf(inner, key)).toBe("what the digest names");
    expect(await keysOf(inner, "quarantine/")).toEqual([keptKey, `${keptKey}.json`]);
    expect(await textOf(inner, keptKey)).toBe("WHAT the digest names");
  });

  test("two who heal at a time keep one copy, and one of them replaces", async () => {
    const inner = await rottenBucket();
    const outcomes = await Promise.all([heal(inner), heal(inner), heal(inner)]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual([
      "created",
      "existed",
      "existed",
    ]);
    expect(await keysOf(inner, "quarantine/")).toEqual([keptKey, `${keptKey}.json`]);
  });
});

test("the time that it takes to look at a wrong copy is no stall of the put", async () => {
  // Each read takes less than the limit and all of them take more; the body waits for their end.
  const inner = await rottenBucket();
  const clock = manualClock();
  const slow: Bucket = {
    ...inner,
    async read(asked, options) {
      if (asked === key) await clock.advance(60);
      return await inner.read(asked, options);
    },
  };
  const store = withTimeout(bucketStore(slow, layout), { putStallMs: 80, clock });
  expect(await store.put(bytes, { digest })).toMatchObject({ outcome: "created" });
  expect(clock.now()).toBeGreaterThanOrEqual(180);
});

describe("a wrong copy that can't be replaced safely", () => {
  test("stays where the bucket can't replace one version, and an alarm tells of it", async () => {
    const inner = await rottenBucket();
    const bucket = { ...inner, capabilities: { ...inner.capabilities, replaceIfMatch: false } };
    await expect(heal(bucket)).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(await textOf(inner, key)).toBe("WHAT the digest names");
    expect(await keysOf(inner, "quarantine/")).toEqual([]);
    const provenance = { found, reads: 2, kept: undefined };
    expect(alarms).toMatchObject([{ kind: "copy-left", subject: digest, provenance }]);
  });

  test.each([
    ["copies", { copiesMax: 1 }, { copiesMax: 2 }],
    ["bytes", { bytesMax: rot.byteLength * 2 - 1 }, { bytesMax: rot.byteLength * 2 }],
  ])(
    "stays where the quarantine is full of %s; what was kept first stays too",
    async (_, full, not) => {
      const bucket = await rottenBucket();
      await heal(bucket);
      const other = new TextEncoder().encode("some other blob, long");
      const name = await digestOf(other, "sha256");
      await bucket.put(layout.key(name), rot);
      const put = (limits: typeof full | typeof not) =>
        bucketStore(bucket, layout, { quarantine: limits }).put(other, { digest: name });
      await expect(put(full)).rejects.toMatchObject({
        code: "UNAVAILABLE",
        persistence: "permanent",
      });
      expect(await textOf(bucket, layout.key(name))).toBe("WHAT the digest names");
      expect(await keysOf(bucket, "quarantine/")).toHaveLength(2);
      expect(alarms.at(-1)).toMatchObject({ kind: "copy-left", subject: name });
      expect(await put(not)).toMatchObject({ outcome: "created" });
      expect(await keysOf(bucket, "quarantine/")).toHaveLength(4);
      // What is kept already needs no room.
      await bucket.put(key, rot);
      const again = bucketStore(bucket, layout, { quarantine: full }).put(bytes, { digest });
      expect(await again).toMatchObject({ outcome: "created" });
      expect(await keysOf(bucket, "quarantine/")).toHaveLength(4);
    },
  );
});

test.each([
  ["sharded", shardedLayout("in/")],
  ["flat", flatLayout("in-", "sha256")],
])("what is kept is no blob of a %s store", async (_, of) => {
  const bucket = memoryBucket();
  await bucket.put(of.key(digest), rot);
  const store = bucketStore(bucket, of);
  await store.put(bytes, { digest });
  const kept = `${of.root}quarantine/${of.key(digest).slice(of.root.length)}/${hexOf(found)}`;
  expect(await keysOf(bucket, `${of.root}quarantine/`)).toEqual([kept, `${kept}.json`]);
  expect(of.digest(kept)).toBeUndefined();
  const listed: Digest[] = [];
  for await (const each of store.list()) listed.push(each.digest);
  expect(listed).toEqual([digest]);
});

test("a cache in memory does not vouch for bytes that were changed in it", async () => {
  const cache = memoryCache({ bytesMax: 2 ** 20, name: "memory" });
  await cache.put(bytes, { digest });
  // Who reads from memory is handed the cache's own bytes, and may break its word not to change them.
  const content = await cache.open(digest);
  (await content?.bytes())?.fill(0);
  expect(await cache.put(bytes, { digest })).toMatchObject({ outcome: "created" });
  expect(await (await cache.open(digest))?.bytes()).toEqual(bytes);
  expect(alarms).toMatchObject([{ kind: "copy-quarantined", source: "memory" }]);
});
