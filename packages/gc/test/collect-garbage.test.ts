import {
  type BlobStore,
  type Bucket,
  bucketStore,
  collect,
  type Digest,
  type Layout,
  memoryBucket,
  formatBytes,
  shardedLayout,
  StoreError,
  type TagLog,
} from "@bitstore/core";
import {
  acquireLease,
  collectionMediaType,
  formatCollection,
  type Pins,
  pins,
  placeOf,
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

/** Fires timers at once where they are pauses between two tries; requests have no limit. */
function pauseOfNoLength(delayMs: number, callback: () => void): () => void {
  if (delayMs < 1000) setImmediate(callback);
  return () => undefined;
}

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
  await enableGc(bucket, layout, {
    metadataId: await metadataIdOf(metadata),
    metadataPlace: placeOf(metadata),
    graceMs: dayMs,
  });
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

  // Versions are counted by what they were: a tag that goes to and fro has few.
  test("counts the different targets of a tag", async () => {
    const [a, b, c, d] = [await put("a"), await put("b"), await put("c"), await put("d")];
    for (const digest of [d, c, b, a, b, a]) await tags.append("t", digest);
    nowMs += 2 * dayMs;
    expect(fatesOf(await run({ retention: { keepVersions: 3 } }))).toEqual({ named: 4, swept: 1 });
    expect(await Promise.all([a, b, c, d].map(isLive))).toEqual([true, true, true, false]);
  });

  // The clock of a tier that is years ahead must not end what a tag kept by days.
  test("counts days by the clock of the metadata", async () => {
    await tags.append("t", await put("old"));
    await tags.append("t", await put("new"));
    nowMs += 2 * dayMs;
    const ahead: Bucket = { ...bucket, serviceTime: () => new Date(nowMs + 1000 * dayMs) };
    const tiers = [{ name: "ours", bucket: ahead, layout }];
    expect(fatesOf(await run({ tiers, retention: { keepDays: 30 } }))).toEqual({ named: 3 });
  });

  test.each<[string, Partial<GcOptions>]>([
    ["keepVersions", { retention: { keepVersions: 0 } }],
    ["keepVersions", { retention: { keepVersions: 1.5 } }],
    ["keepDays", { retention: { keepDays: Number.NaN } }],
    ["keepDays", { retention: { keepDays: Number.POSITIVE_INFINITY } }],
    ["concurrencyMax", { concurrencyMax: 0 }],
    ["tagsMax", { tagsMax: -1 }],
    ["marksInMemoryMax", { marksInMemoryMax: Number.NaN }],
    ["failuresMax", { failuresMax: 0.5 }],
    ["sweepMax", { sweepMax: 0 }],
    ["purgeMax", { purgeMax: Number.NaN }],
    ["graceMs", { graceMs: 1000 }],
  ])("refuses a %s that is none (%#)", async (name, options) => {
    const refused = await run(options).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(String(refused)).toContain(name);
  });

  // A collection names blobs, by any entry of a tag or by a pin; both digests of a weak target are named.
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
    const unknown = String(await run().catch((error: unknown) => error));
    expect(unknown.match(/what this collection names is unknown/g)).toHaveLength(1);
    expect(unknown).toContain("give it up by lostCollections");
    expect(await isLive(garbage)).toBe(true);
    const stop = new AbortController();
    const blobs = {
      open: (): Promise<undefined> => {
        stop.abort();
        return Promise.reject(new Error("aborted"));
      },
    };
    await expect(run({ blobs, signal: stop.signal })).rejects.toMatchObject({ code: "ABORTED" });
    expect(fatesOf(await run({ lostCollections: [collection] }))).toEqual({ named: 4, swept: 3 });
  });

  test("keeps what a pinned collection names", async () => {
    const member = await put("member");
    const list = formatCollection([{ name: "file", digest: member, size: 6 }]);
    const collection = (await store.put(list)).digest;
    await pinned.pin(collection, { mediaType: collectionMediaType });
    nowMs += 2 * dayMs;
    expect(fatesOf(await run())).toEqual({ named: 3 });
    await pinned.unpin(collection);
    expect(fatesOf(await run())).toEqual({ named: 1, swept: 2 });
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
    // One that can't be removed is counted, and what else was done is told.
    const denying: Bucket = {
      ...metadata,
      delete: (key) =>
        Promise.reject(
          new StoreError({ code: "PERMISSION_DENIED", operation: "delete", message: key }),
        ),
    };
    const roots = metadataRoots(denying);
    expect(await run({ roots })).toMatchObject({ removedLeases: 0, failedLeases: 1 });
    expect(await run()).toMatchObject({ removedLeases: 1, failedLeases: 0 });
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
    ["a strange folder", /^v1\/README\//, "{}", "v1/README/"],
  ])("ends at %s with nothing swept", async (_, where, body, message) => {
    const garbage = await put("garbage");
    await tags.append("first", garbage);
    await tags.append("first", await put("third"));
    const last = await put("last");
    nowMs += 2 * dayMs;
    const keys = Object.keys(await snapshot(metadata)).filter((key) => where.test(key));
    // Of three entries the second, which is neither the newest nor the oldest.
    const strange = ["v1/default/t/STRANGE/1", "v1/README/me", "v1/default/l/x"];
    const key = keys[1] ?? strange.find((each) => where.test(each)) ?? "";
    if (body === undefined) await metadata.delete(key);
    else await metadata.put(key, new TextEncoder().encode(body));
    await expect(run()).rejects.toThrow(message);
    expect(await isLive(last)).toBe(true);
  });

  // One answer of 503 must not end a run of hours: each kind of request of the marking fails once.
  test("bears what fails for a while", async () => {
    await acquireLease(metadata, { namespace: "n", digests: [], holder: "job", ttlMs: dayMs });
    const failed: string[] = [];
    const once = (operation: string): void => {
      if (failed.includes(operation)) return;
      failed.push(operation);
      throw new StoreError({ code: "UNAVAILABLE", operation, message: "503" });
    };
    const flaky: Bucket = {
      ...metadata,
      async head(key, options) {
        once("head");
        return await metadata.head(key, options);
      },
      async read(key, options) {
        once(key.includes("/l/") ? "read of a lease" : "read");
        return await metadata.read(key, options);
      },
      async put(key, body, options) {
        const outcome = await metadata.put(key, body, options);
        once("put");
        return outcome;
      },
      async *list(prefix, options) {
        once(prefix.endsWith("/l/") ? "list of leases" : "list");
        yield* metadata.list(prefix, options);
      },
      async *listPrefixes(prefix, options) {
        yield* metadata.listPrefixes(prefix, options);
        once(`listPrefixes ${prefix}`);
      },
    };
    const soon = { now: () => nowMs, after: pauseOfNoLength };
    const roots = metadataRoots(flaky, { clock: soon, random: () => 0 });
    const report = await run({ roots, metadata: flaky, clock: soon, random: () => 0 });
    expect(report.marks).toMatchObject({ tags: 1, leases: 1 });
    expect(failed).toEqual(expect.arrayContaining(["read of a lease", "list of leases", "put"]));
    expect(failed).toContain("listPrefixes v1/");
    expect(await metadata.head("v1/_gc-lock.json")).toBeUndefined();
  });

  // The lock of a run that was aborted would refuse the next one for ten minutes.
  test("gives its lock back although it was aborted", async () => {
    const stop = new AbortController();
    const heeding: Bucket = {
      ...metadata,
      delete: (key, options) =>
        options?.signal?.aborted === true
          ? Promise.reject(new Error("aborted"))
          : metadata.delete(key, options),
    };
    const onProgress = (): void => stop.abort();
    await expect(run({ metadata: heeding, onProgress, signal: stop.signal })).rejects.toMatchObject(
      { code: "ABORTED" },
    );
    expect(await metadata.head("v1/_gc-lock.json")).toBeUndefined();
  });

  test("goes on from where a limit stopped it", async () => {
    for (let at = 0; at < 5; at += 1) await put(`garbage ${at}`);
    nowMs += 2 * dayMs;
    expect(fatesOf(await run({ sweepMax: 2 }))).toEqual({ named: 1, swept: 2, left: 3 });
    expect(fatesOf(await run())).toEqual({ named: 1, swept: 3, kept: 2 });
    nowMs += 2 * dayMs;
    expect(fatesOf(await run({ purgeMax: 1 }))).toEqual({ named: 1, purged: 1, kept: 4 });
    expect(fatesOf(await run({ purgeMax: 3 }))).toEqual({ named: 1, purged: 3, kept: 1 });
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
    await enableGc(other, layout, { metadataId: "another", metadataPlace: "elsewhere" });
    nowMs += 10 * 60_000 + 1;
    await expect(run(options)).rejects.toThrow("decided by the metadata bucket another");
    await expect(
      enableGc(other, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    const third = memoryBucket("third", date);
    expect(
      await enableGc(third, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).toBe("enabled");
    expect(
      await enableGc(third, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).toBe("unchanged");
    expect(
      await enableGc(third, layout, {
        metadataId: id,
        metadataPlace: placeOf(metadata),
        graceMs: graceMsMin,
      }),
    ).toBe("changed");
    const tiers = [{ name: "third", bucket: third, layout }];
    nowMs += 10 * 60_000;
    await expect(run({ tiers })).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    nowMs += 1;
    expect(await run({ tiers })).toMatchObject({ tiers: [{ graceMs: graceMsMin }] });
    await expect(
      enableGc(third, layout, {
        metadataId: id,
        metadataPlace: placeOf(metadata),
        graceMs: graceMsMin - 1,
      }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const lacking = { ...third, capabilities: { ...third.capabilities, replaceIfMatch: false } };
    await expect(
      enableGc(lacking, layout, { metadataId: id, metadataPlace: placeOf(metadata) }),
    ).rejects.toThrow("replaceIfMatch");
  });

  // A backup has the same id, and lacks what was tagged since: by it that would be swept.
  test("is not collected by a copy of its metadata", async () => {
    const copy = memoryBucket("backup", date);
    for await (const { key } of metadata.list("")) {
      await copy.put(key, (await (await metadata.read(key))?.bytes()) ?? new Uint8Array());
    }
    const refused = await metadataIdOf(copy).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "CONFIG_INVALID" });
    expect(String(refused)).toContain("may be a copy");
    // Also where somebody has set a tag in the copy, or gives the id by hand.
    await tagLog(copy, { checkTarget: trustTargets }).append("t", await put("t"));
    expect(await metadataIdOf(copy)).toBe(await metadataIdOf(metadata));
    const byCopy = { metadata: copy, roots: metadataRoots(copy) };
    nowMs += 2 * dayMs;
    await expect(run(byCopy)).rejects.toThrow("may be a copy of it");
    await expect(run({ ...byCopy, dryRun: true })).rejects.toThrow("may be a copy of it");
    const metadataId = await metadataIdOf(copy);
    const enabling = { metadataId, metadataPlace: placeOf(copy), graceMs: dayMs };
    expect(await enableGc(bucket, layout, enabling)).toBe("changed");
    nowMs += dayMs;
    expect(fatesOf(await run(byCopy))).toEqual({ named: 2 });
    await expect(run()).rejects.toThrow("enable gc again");
  });

  test("is not collected by what was proved nowhere, unless that is meant", async () => {
    const single = memoryBucket("single", date);
    const log = tagLog(single, { checkTarget: trustTargets, unsafeSingleWriter: true });
    await log.append("t", await put("t"));
    await expect(metadataIdOf(single)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await metadataIdOf(single, { unproved: true })).toMatch(/./);
  });

  // Whoever writes the format by hand can't make what was just put garbage.
  test.each([1, graceMsMin - 1])("has a grace of an hour at least, not %i ms", async (graceMs) => {
    const gc = {
      metadata: await metadataIdOf(metadata),
      metadataPlace: placeOf(metadata),
      graceMs,
    };
    const format = { layout: layout.name, minReader: 2, minWriter: 2, gc };
    await bucket.put(`${layout.root}_bitstore.json`, formatBytes(format));
    nowMs += dayMs;
    await expect(run()).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(run({ dryRun: true })).rejects.toThrow("under an hour");
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
