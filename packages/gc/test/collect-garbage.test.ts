import { type Bucket, type Digest } from "@bitstore/core";
import { acquireLease, collectionMediaType, formatCollection, tagLog } from "@bitstore/tags";
import { describe, expect, test } from "vitest";
import { type GcOptions } from "../src/index.ts";
import {
  anewBeforeEach,
  bucket,
  dayMs,
  fatesOf,
  isLive,
  layout,
  metadata,
  nowMs,
  pass,
  pinned,
  put,
  run,
  snapshot,
  store,
  tags,
} from "./gc-world.ts";

anewBeforeEach();

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
    pass(dayMs);
    const swept = await run();
    expect(fatesOf(swept)).toEqual({ named: 2, swept: 2 });
    expect(swept.tiers[0]?.shown.swept).toEqual([garbage, wanted].sort());
    expect(await store.stat(wanted)).toBeDefined();
    expect([await isLive(garbage), await isLive(wanted)]).toEqual([false, true]);
    pass(2 * dayMs - 1);
    expect(fatesOf(await run())).toEqual({ named: 2, kept: 2, swept: 1 });
    pass(1);
    expect(fatesOf(await run())).toEqual({ named: 2, purged: 2, kept: 1 });
    expect(await store.stat(garbage)).toBeUndefined();
    expect(await store.stat(wanted)).toBeDefined();
    expect(await store.stat(named)).toBeDefined();
  });

  // The trash is looked through before anything is purged: what is named by now is brought back, and
  // its copy goes once it lies in its place.
  test("brings back what was named since", async () => {
    const digest = await put("late");
    pass(dayMs);
    expect(fatesOf(await run())).toEqual({ named: 1, swept: 1 });
    await tags.append("late", digest);
    pass(3 * dayMs);
    expect(fatesOf(await run())).toEqual({ named: 2, restored: 1 });
    expect(await isLive(digest)).toBe(true);
    expect(fatesOf(await run())).toEqual({ named: 2, dropped: 1 });
    expect(fatesOf(await run())).toEqual({ named: 2 });
  });

  // A dry run is the default, says the same, and writes nothing to either bucket, no lock either.
  test("writes nothing unless it is told to", async () => {
    const [a, b] = [await put("a"), await put("b")];
    pass(dayMs);
    await run();
    await put("c");
    await tags.append("a", a);
    pass(2 * dayMs);
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
      pass(10 * dayMs);
    }
    await tags.remove("t");
    pass(3 * dayMs);
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
    pass(2 * dayMs);
    expect(fatesOf(await run({ retention: { keepVersions: 3 } }))).toEqual({ named: 4, swept: 1 });
    expect(await Promise.all([a, b, c, d].map(isLive))).toEqual([true, true, true, false]);
  });

  // The clock of a tier that is years ahead must not end what a tag kept by days.
  test("counts days by the clock of the metadata", async () => {
    await tags.append("t", await put("old"));
    await tags.append("t", await put("new"));
    pass(2 * dayMs);
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
    pass(2 * dayMs);
    const report = await run();
    expect(fatesOf(report)).toEqual({ named: 7 });
    expect(report.marks).toMatchObject({ tags: 3, entries: 4, collections: 1 });
    // One that can't be read ends the run, before anything is swept, unless it is given up by name.
    const garbage = await put("garbage");
    pass(2 * dayMs);
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
    pass(2 * dayMs);
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
    pass(2 * dayMs);
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
});
