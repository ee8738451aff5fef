import {
  type BlobStore,
  type Bucket,
  bucketStore,
  collect,
  type Digest,
  type Layout,
  memoryBucket,
  shardedLayout,
  type TagLog,
} from "@bitstore/core";
import {
  acquireLease,
  collectionMediaType,
  formatCollection,
  type Pins,
  pins,
  tagLog,
  trustTargets,
} from "@bitstore/tags";
import { beforeEach, describe, expect, test } from "vitest";
import {
  collectGarbage,
  enableGc,
  type GcFate,
  type GcOptions,
  type GcReport,
  graceMsDefault,
  graceMsMin,
  metadataIdOf,
  metadataRoots,
} from "../src/index.ts";

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
const layout: Layout = shardedLayout("blobs/");

let nowMs = 0;
let bucket: Bucket;
let metadata: Bucket;
let store: BlobStore;
let tags: TagLog;
let pinned: Pins;
const date = (): Date => new Date(nowMs);
const clock = { now: () => nowMs, after: () => () => undefined };

async function put(text: string): Promise<Digest> {
  return (await store.put(new TextEncoder().encode(text))).digest;
}

async function run(more: Partial<GcOptions> = {}): Promise<GcReport> {
  return await collectGarbage({
    tiers: [{ name: "ours", bucket, layout }],
    metadata,
    metadataId: await metadataIdOf(metadata),
    roots: metadataRoots(metadata),
    blobs: store,
    dryRun: false,
    clock,
    date,
    ...more,
  });
}

const fatesOf = (report: GcReport): Partial<Record<GcFate, number>> =>
  Object.fromEntries(
    Object.entries(report.tiers[0]?.fates ?? {}).flatMap(([fate, { count }]) =>
      count > 0 ? [[fate, count]] : [],
    ),
  );

async function snapshot(of: Bucket): Promise<Record<string, string | undefined>> {
  const found: Record<string, string | undefined> = {};
  for await (const { key, version } of of.list("")) found[key] = version;
  return found;
}

const isLive = async (digest: Digest): Promise<boolean> =>
  (await bucket.head(layout.key(digest))) !== undefined;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  bucket = memoryBucket("blobs", date);
  metadata = memoryBucket("metadata", date);
  store = bucketStore(bucket, layout, { clock });
  tags = tagLog(metadata, { checkTarget: trustTargets });
  pinned = pins(metadata, { checkTarget: trustTargets });
  await tags.append("first", await put("first"));
  await enableGc(bucket, layout, { metadataId: await metadataIdOf(metadata), graceMs: dayMs });
  nowMs += hourMs;
});

describe("a garbage collection", () => {
  // What nothing names goes to the trash after a grace, and for good two graces later; a read in
  // between brings it back, and what is named stays all along.
  test("sweeps, keeps for a while, and purges", async () => {
    const [named, garbage, wanted] = [
      await put("named"),
      await put("garbage"),
      await put("wanted"),
    ];
    await tags.append("models/prod", named);
    expect(fatesOf(await run())).toEqual({ named: 2, young: 2 });
    nowMs += dayMs;
    const swept = await run();
    expect(fatesOf(swept)).toEqual({ named: 2, swept: 2 });
    expect(swept.tiers[0]?.shown.swept).toEqual([garbage, wanted].sort());
    expect(await store.stat(wanted)).toBeDefined();
    expect([await isLive(garbage), await isLive(wanted)]).toEqual([false, true]);
    nowMs += 2 * dayMs - 1;
    expect(fatesOf(await run())).toEqual({ named: 2, kept: 2, swept: 1 });
    nowMs += 1;
    expect(fatesOf(await run())).toEqual({ named: 2, purged: 2, kept: 1 });
    expect(await store.stat(garbage)).toBeUndefined();
    expect(await store.stat(wanted)).toBeDefined();
    expect(await store.stat(named)).toBeDefined();
  });

  // The trash is looked through before anything is purged: what is named by now is brought back, and
  // its copy goes once it lies in its place.
  test("brings back what was named since", async () => {
    const digest = await put("late");
    nowMs += dayMs;
    expect(fatesOf(await run())).toEqual({ named: 1, swept: 1 });
    await tags.append("late", digest);
    nowMs += 3 * dayMs;
    expect(fatesOf(await run())).toEqual({ named: 2, restored: 1 });
    expect(await isLive(digest)).toBe(true);
    expect(fatesOf(await run())).toEqual({ named: 2, dropped: 1 });
    expect(fatesOf(await run())).toEqual({ named: 2 });
  });

  // A dry run is the default, says the same, and writes nothing to either bucket, no lock either.
  test("writes nothing unless it is told to", async () => {
    const [a, b] = [await put("a"), await put("b")];
    nowMs += dayMs;
    await run();
    await put("c");
    await tags.append("a", a);
    nowMs += 2 * dayMs;
    const before = [await snapshot(bucket), await snapshot(metadata)];
    const { dryRun, ...report } = await run({ dryRun: undefined });
    expect(dryRun).toBe(true);
    expect([await snapshot(bucket), await snapshot(metadata)]).toEqual(before);
    const { run: _, ...done } = await run();
    const { run: __, ...planned } = report;
    expect({ ...planned, dryRun: false }).toEqual({
      ...done,
      // What was brought back is listed once more by the sweep that follows.
      tiers: [
        expect.objectContaining({
          shown: { swept: done.tiers[0]?.shown.swept, restored: [a], purged: [b] },
        }),
      ],
    });
  });

  test("keeps all of a tag's history, or what it is told to", async () => {
    const versions: Digest[] = [];
    for (let version = 1; version <= 4; version += 1) {
      versions.push(await put(`version ${version}`));
      await tags.append("t", versions.at(-1) as Digest);
      nowMs += 10 * dayMs;
    }
    await tags.remove("t");
    nowMs += 3 * dayMs;
    const kept = async (retention: GcOptions["retention"]): Promise<number> =>
      (fatesOf(await run({ retention, dryRun: true })).named ?? 0) - 1;
    expect(await kept(undefined)).toBe(4);
    expect(await kept({ keepVersions: 1 })).toBe(1);
    expect(await kept({ keepVersions: 3 })).toBe(3);
    // It pointed to the last until 3 days ago, and to the one before until 13 days ago.
    expect(await kept({ keepDays: 2 })).toBe(1);
    expect(await kept({ keepDays: 4 })).toBe(1);
    expect(await kept({ keepDays: 14 })).toBe(2);
    expect(await kept({ keepDays: 14, keepVersions: 3 })).toBe(3);
    await run({ retention: { keepVersions: 2 } });
    expect(await Promise.all(versions.map(isLive))).toEqual([false, false, true, true]);
  });

  // A collection names blobs, by any entry of a tag; both digests of a weak target are named.
  test("keeps what collections name, and other digests of a target", async () => {
    const members = [await put("one"), await put("two")];
    const list = formatCollection(
      members.map((digest, at) => ({ name: `file-${at}`, digest, size: 3 })),
    );
    const collection = (await store.put(list)).digest;
    await tags.append("dir", collection, { mediaType: collectionMediaType });
    await tags.append("dir", await put("other"));
    const bytes = new TextEncoder().encode("weak");
    const weak = (await store.put(bytes, { algorithm: "sha1" })).digest;
    const strong = (await store.put(bytes)).digest;
    const both = tagLog(metadata, {
      checkTarget: () => Promise.resolve({ size: 4, alsoKnownAs: [strong] }),
    });
    await both.append("weak", weak);
    nowMs += 2 * dayMs;
    const report = await run();
    expect(fatesOf(report)).toEqual({ named: 7 });
    expect(report.marks).toMatchObject({ tags: 3, entries: 4, collections: 1 });
    // One that can't be read ends the run, before anything is swept, unless it is given up by name.
    const garbage = await put("garbage");
    nowMs += 2 * dayMs;
    await bucket.delete(layout.key(collection));
    await expect(run()).rejects.toThrow("what this collection names is unknown");
    expect(await isLive(garbage)).toBe(true);
    expect(fatesOf(await run({ lostCollections: [collection] }))).toEqual({ named: 4, swept: 3 });
  });

  test("keeps what pins and leases name, while they do", async () => {
    const [a, b] = [await put("a"), await put("b")];
    await pinned.pin(a);
    const lease = await acquireLease(metadata, {
      namespace: "default",
      digests: [b],
      holder: "job",
      ttlMs: 3 * dayMs,
    });
    nowMs += 2 * dayMs;
    const [tier] = (await run()).tiers;
    expect(tier).toMatchObject({
      fates: { named: { count: 3, bytes: 7 } },
      byPinAlone: { count: 1, bytes: 1 },
      byLeaseAlone: { count: 1, bytes: 1 },
    });
    await pinned.unpin(a);
    await lease.release();
    expect(fatesOf(await run())).toEqual({ named: 1, swept: 2 });
  });

  // A lease that holds everything stops it; one that lapses is shown for a day, and then removed.
  test("stands still for a lease of everything, until that has lapsed", async () => {
    await put("garbage");
    await acquireLease(metadata, {
      namespace: "other",
      digests: "all",
      holder: "migration",
      ttlMs: 2 * dayMs,
    });
    nowMs += 2 * dayMs + 5 * 60_000;
    const paused = await run();
    expect(paused.pausedBy).toMatchObject({ holder: "migration", namespace: "other" });
    expect(fatesOf(paused)).toEqual({});
    nowMs += 1000;
    const report = await run();
    expect(report.pausedBy).toBeUndefined();
    expect(report.lapsedLeases).toMatchObject([{ holder: "migration", lapsedMs: 1000 }]);
    expect(report.removedLeases).toBe(0);
    expect(fatesOf(report)).toEqual({ named: 1, swept: 1 });
    nowMs += dayMs;
    expect((await run()).removedLeases).toBe(1);
    expect((await run()).lapsedLeases).toEqual([]);
  });

  // Who can't tell what is named must not sweep: a gap in a log, a manifest of a later release, a
  // lease or a log that is not understood.
  test.each([
    ["a gap", /t\/first\//, undefined, "entry 2 is missing"],
    [
      "a later manifest",
      /t\/first\//,
      '{"schema":"later/9"}',
      "no manifest that this release knows",
    ],
    ["a strange lease", /^v1\/default\/l\/x/, "{}", "no lease that this release understands"],
    ["a strange log", /^v1\/default\/t\/STRANGE/, "{}", "no tag's log"],
  ])("ends at %s with nothing swept", async (_, where, body, message) => {
    const garbage = await put("garbage");
    await tags.append("first", garbage);
    await tags.append("first", await put("third"));
    const last = await put("last");
    nowMs += 2 * dayMs;
    const keys = Object.keys(await snapshot(metadata)).filter((key) => where.test(key));
    // Of three entries the second, which is neither the newest nor the oldest.
    const key =
      keys[1] ?? (where.source.includes("STRANGE") ? "v1/default/t/STRANGE/1" : "v1/default/l/x");
    if (body === undefined) await metadata.delete(key);
    else await metadata.put(key, new TextEncoder().encode(body));
    await expect(run()).rejects.toThrow(message);
    expect(await isLive(last)).toBe(true);
  });

  test("goes on from where a limit stopped it", async () => {
    for (let at = 0; at < 5; at += 1) await put(`garbage ${at}`);
    nowMs += 2 * dayMs;
    expect(fatesOf(await run({ sweepMax: 2 }))).toEqual({ named: 1, swept: 2, left: 3 });
    expect(fatesOf(await run())).toEqual({ named: 1, swept: 3, kept: 2 });
    nowMs += 2 * dayMs;
    expect(fatesOf(await run({ purgeMax: 4 }))).toEqual({ named: 1, purged: 4, kept: 1 });
  });

  // Wrong bytes must not replace right ones: a blob that rotted is left for `verify` to look at.
  test("leaves a corrupt blob where it is", async () => {
    const digest = await put("garbage");
    await bucket.put(layout.key(digest), new TextEncoder().encode("rotten!"));
    nowMs += 2 * dayMs;
    expect(fatesOf(await run())).toEqual({ named: 1, corrupt: 1 });
    expect(await isLive(digest)).toBe(true);
    expect(Object.keys(await snapshot(bucket)).filter((key) => key.includes("trash"))).toEqual([]);
  });

  test("gives the trash's copy of a named blob up for nothing worse", async () => {
    const digest = await put("late");
    nowMs += dayMs;
    await run();
    await tags.append("late", digest);
    await bucket.put(layout.key(digest), new TextEncoder().encode("rot!"));
    nowMs += 2 * dayMs;
    expect(fatesOf(await run())).toEqual({ named: 2, corrupt: 1 });
    expect(Object.keys(await snapshot(bucket)).filter((key) => key.includes("trash"))).toHaveLength(
      1,
    );
  });

  // A service that does not list in order would have blobs in use taken for garbage.
  test("refuses a listing that does not ascend", async () => {
    for (let at = 0; at < 5; at += 1) await put(`garbage ${at}`);
    nowMs += 2 * dayMs;
    const disordered: Bucket = {
      ...bucket,
      async *list(prefix, options) {
        const all = [];
        for await (const info of bucket.list(prefix, options)) all.push(info);
        yield* all.toReversed();
      },
    };
    const tiers = [{ name: "ours", bucket: disordered, layout }];
    await expect(run({ tiers, concurrencyMax: 1 })).rejects.toThrow("in the order of the keys");
  });

  test("is one at a time, but for one that was killed", async () => {
    await metadata.put("v1/_gc-lock.json", new TextEncoder().encode("{}"));
    await expect(run()).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(await run({ dryRun: true })).toMatchObject({ dryRun: true });
    nowMs += 10 * 60_000 + 1;
    expect(fatesOf(await run())).toEqual({ named: 1 });
    expect(await metadata.head("v1/_gc-lock.json")).toBeUndefined();
  });
});

describe("a tier that may be collected", () => {
  test("names one metadata bucket, and has done so for ten minutes", async () => {
    const other = memoryBucket("other", date);
    const options = { tiers: [{ name: "other", bucket: other, layout }] };
    await expect(run(options)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const id = await metadataIdOf(metadata);
    await enableGc(other, layout, { metadataId: "another" });
    nowMs += 10 * 60_000 + 1;
    await expect(run(options)).rejects.toThrow("decided by the metadata bucket another");
    await expect(enableGc(other, layout, { metadataId: id })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    const third = memoryBucket("third", date);
    expect(await enableGc(third, layout, { metadataId: id })).toBe("enabled");
    expect(await enableGc(third, layout, { metadataId: id })).toBe("unchanged");
    expect(await enableGc(third, layout, { metadataId: id, graceMs: graceMsMin })).toBe("changed");
    const tiers = [{ name: "third", bucket: third, layout }];
    nowMs += 10 * 60_000;
    await expect(run({ tiers })).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    nowMs += 1;
    expect(await run({ tiers })).toMatchObject({ tiers: [{ graceMs: graceMsMin }] });
    await expect(
      enableGc(third, layout, { metadataId: id, graceMs: graceMsMin - 1 }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const lacking = { ...third, capabilities: { ...third.capabilities, replaceIfMatch: false } };
    await expect(enableGc(lacking, layout, { metadataId: id })).rejects.toThrow("replaceIfMatch");
  });

  test("can be looked at before it is enabled", async () => {
    const fresh = memoryBucket("fresh", date);
    await bucketStore(fresh, layout).put(new TextEncoder().encode("garbage"));
    nowMs += graceMsDefault;
    const report = await run({ tiers: [{ name: "fresh", bucket: fresh, layout }], dryRun: true });
    expect(report.tiers[0]).toMatchObject({ enabled: false, graceMs: graceMsDefault });
    expect(fatesOf(report)).toEqual({ swept: 1 });
  });

  test("is nobody's without metadata", async () => {
    const empty = memoryBucket("empty", date);
    await expect(metadataIdOf(empty)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    const text = new TextDecoder().decode(
      await collect((await metadata.read("v1/_bitstore.json"))?.body ?? (async function* () {})()),
    );
    const later = text.replace('"minReader":1', '"minReader":9');
    await metadata.put("v1/_bitstore.json", new TextEncoder().encode(later));
    await expect(metadataIdOf(metadata)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});
