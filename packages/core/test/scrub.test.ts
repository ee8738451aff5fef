import {
  type BlobStore,
  type Bucket,
  bucketStore,
  composite,
  type Digest,
  defineTier,
  formatCursor,
  listCopies,
  memoryBucket,
  parseCursor,
  type ScrubFinding,
  scrubCopies,
  type ScrubOptions,
  shardedLayout,
  type Tier,
  type TierOptions,
} from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { manualClock, settle } from "./manual-clock.ts";
import { collectAlarms, flipping, keysOf } from "./rotten-buckets.ts";
import { someBytes } from "./scripted-tier.ts";

// A scrub looks at copies tier by tier in the order of their digests, within a budget that is counted in
// bytes; it goes on after a cursor, and repairs only what may be repaired.

const alarms = collectAlarms();
const layout = shardedLayout("");
const size = 1000;

interface Place {
  readonly bucket: Bucket;
  readonly tier: Tier;
}

function place(name: string, options: Partial<TierOptions> = {}, bucket?: Bucket): Place {
  const own = bucket ?? memoryBucket(name);
  return { bucket: own, tier: defineTier({ name, source: bucketStore(own, layout), ...options }) };
}

/** Puts blobs of 1,000 bytes each into stores; resolves to their digests in the order of lists. */
async function plant(count: number, ...places: readonly Place[]): Promise<Digest[]> {
  const digests: Digest[] = [];
  for (let seed = 1; seed <= count; seed += 1) {
    for (const { tier } of places) {
      const { digest } = await tier.source.put(someBytes(size, seed));
      if (!digests.includes(digest)) digests.push(digest);
    }
  }
  return digests.sort();
}

async function rot({ bucket }: Place, digest: Digest, bytes = someBytes(size, 99)): Promise<void> {
  await bucket.put(layout.key(digest), bytes);
}

async function scrub(
  tiers: readonly Tier[],
  options: Partial<ScrubOptions> = {},
  after?: Digest,
): Promise<{ readonly findings: ScrubFinding[]; readonly reason: string; readonly bytes: number }> {
  const findings: ScrubFinding[] = [];
  const end = await scrubCopies(listCopies(tiers, { startAfter: after }), {
    report: (finding) => void findings.push(finding),
    ...options,
  });
  expect(end.blobs).toBe(options.report === undefined ? findings.length : end.blobs);
  return { findings, reason: end.reason, bytes: end.bytesRead };
}

const told = (findings: readonly ScrubFinding[]): string[][] =>
  findings.map(({ checks }) => checks.map(({ tier, status }) => `${tier.name} ${status}`));

describe("a scrub", () => {
  test("reads each tier's own copy, twice where it is wrong, and only tells", async () => {
    const [first, second] = [place("first", { role: "cache" }), place("second")];
    const digests = await plant(3, first, second);
    await second.bucket.delete(layout.key(digests[2] ?? digests[0]!));
    await rot(first, digests[1]!);
    const { findings, reason, bytes } = await scrub([first.tier, second.tier]);
    expect(reason).toBe("done");
    expect(findings.map(({ digest }) => digest)).toEqual(digests);
    expect(told(findings)).toEqual([
      ["first ok", "second ok"],
      ["first corrupt", "second ok"],
      ["first ok"],
    ]);
    expect(findings[1]?.checks[0]?.size).toBeUndefined();
    expect(findings[1]?.checks[0]?.error).toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(bytes).toBe(6 * size);
    expect(alarms).toMatchObject([{ kind: "corrupt-copy", source: "first" }]);
    expect(await keysOf(first.bucket, "quarantine/")).toEqual([]);
  });

  test("takes one read that is wrong for the fault of the way", async () => {
    const { bucket, tier } = place("only");
    const [digest] = await plant(1, { bucket, tier });
    const upset = flipping(bucket, layout.key(digest!), (bytes, read) =>
      read === 1 ? bytes.fill(0) : bytes,
    );
    const { findings } = await scrub([place("upset", {}, upset).tier]);
    expect(told(findings)).toEqual([["upset ok"]]);
    expect(alarms).toEqual([]);
  });

  test("goes on past a copy that can't be read, and says so", async () => {
    const good = place("good");
    await plant(2, good);
    const source: BlobStore = {
      ...good.tier.source,
      open: () => Promise.reject(new Error("a defect")),
    };
    const { findings } = await scrub([good.tier, defineTier({ name: "bad", source })]);
    expect(told(findings)).toEqual([
      ["good ok", "bad failed"],
      ["good ok", "bad failed"],
    ]);
    expect(findings[0]?.checks[1]?.error).toMatchObject({ code: "INTERNAL", source: "bad" });
  });

  test("that is quick reads nothing but what sizes can't settle", async () => {
    // The same size in two tiers; another one; a copy with nothing to compare it with.
    const [first, second] = [place("first"), place("second")];
    const digests = await plant(2, first, second);
    await plant(3, second);
    await rot(first, digests[0]!, someBytes(size - 1, 5));
    const { findings, bytes } = await scrub([first.tier, second.tier], { quick: true });
    const at = new Map(findings.map((finding) => [finding.digest, told([finding])[0]]));
    expect(at.get(digests[0]!)).toEqual(["first corrupt", "second ok"]);
    expect(at.get(digests[1]!)).toEqual(["first ok", "second ok"]);
    expect([...at.values()].filter((each) => each?.length === 1)).toEqual([["second unread"]]);
    expect(bytes).toBe(2 * (size - 1) + size);
  });
});

describe("a budget", () => {
  test.each([1, 2, 16])("in bytes is kept to the byte, %d at a time", async (concurrencyMax) => {
    const only = place("only");
    const digests = await plant(7, only);
    const limits = { bytesMax: 3 * size };
    const run = await scrub([only.tier], { limits, concurrencyMax });
    expect(run).toMatchObject({ reason: "bytes", bytes: 3 * size });
    expect(run.findings.map(({ digest }) => digest)).toEqual(digests.slice(0, 3));
    const less = await scrub([only.tier], { limits: { bytesMax: 3 * size - 1 }, concurrencyMax });
    expect(less).toMatchObject({ reason: "bytes", bytes: 2 * size });
    const all = await scrub([only.tier], { limits: { bytesMax: 7 * size }, concurrencyMax });
    expect(all).toMatchObject({ reason: "done", bytes: 7 * size });
  });

  test("in bytes is not used up by copies that gave none", async () => {
    const only = place("only");
    const digests = await plant(5, only);
    const { source } = only.tier;
    const open: BlobStore["open"] = (digest, call) =>
      digests.indexOf(digest) < 2 ? Promise.reject(new Error("none")) : source.open(digest, call);
    const tier = defineTier({ name: "failing", source: { ...source, open } });
    const run = await scrub([tier], { limits: { bytesMax: 3 * size }, concurrencyMax: 1 });
    expect(run).toMatchObject({ reason: "done", bytes: 3 * size });
  });

  test("smaller than a blob lets one through, or a scrub would never get past it", async () => {
    const only = place("only");
    const digests = await plant(2, only);
    const first = await scrub([only.tier], { limits: { bytesMax: 10 } });
    expect(first).toMatchObject({ reason: "bytes", bytes: size });
    const second = await scrub([only.tier], { limits: { bytesMax: 10 } }, digests[0]);
    expect(second).toMatchObject({ reason: "done", bytes: size });
  });

  test("counts second reads and repairs", async () => {
    const [cache, origin] = [place("cache", { role: "cache" }), place("origin", { origin: true })];
    const digests = await plant(4, cache, origin);
    await rot(cache, digests[0]!);
    await using best = composite({ tiers: [cache.tier, origin.tier] });
    const limits = { bytesMax: 3 * size };
    const run = await scrub([cache.tier], { limits, best, concurrencyMax: 1 });
    // Two reads of the wrong copy, and at least one of the right one, are all that there was.
    expect(run.reason).toBe("bytes");
    expect(run.bytes).toBeGreaterThanOrEqual(3 * size);
    expect(run.findings[0]?.checks).toMatchObject([{ repair: { outcome: "repaired" } }]);
    expect(run.findings).toHaveLength(1);
  });

  test("in blobs and in time ends a run as well", async () => {
    const only = place("only");
    await plant(5, only);
    const blobs = await scrub([only.tier], { limits: { blobsMax: 2 } });
    expect(blobs).toMatchObject({ reason: "blobs", bytes: 2 * size });
    const clock = manualClock();
    const { source } = only.tier;
    const slow: BlobStore = {
      ...source,
      async open(digest, call) {
        await clock.advance(600);
        return await source.open(digest, call);
      },
    };
    const limits = { runMsMax: 1000 };
    const tier = defineTier({ name: "slow", source: slow });
    const time = await scrub([tier], { limits, clock, concurrencyMax: 1 });
    expect(time).toMatchObject({ reason: "time", bytes: 2 * size });
  });

  test("of failures ends a run that has come into an outage, but not one that meets a few", async () => {
    const only = place("only");
    const digests = await plant(6, only);
    const failing = new Set([digests[0], digests[2], digests[3], digests[4]]);
    const { source } = only.tier;
    const open: BlobStore["open"] = (digest, call) =>
      failing.has(digest) ? Promise.reject(new Error("an outage")) : source.open(digest, call);
    const tier = defineTier({ name: "failing", source: { ...source, open } });
    const two = await scrub([tier], { limits: { failuresInRowMax: 2 } });
    expect(two).toMatchObject({ reason: "failures" });
    expect(two.findings.map(({ digest }) => digest)).toEqual(digests.slice(0, 4));
    const four = await scrub([tier], { limits: { failuresInRowMax: 4 } });
    expect(four).toMatchObject({ reason: "done", bytes: 2 * size });
  });

  test("in bytes a second holds the reads back together", async () => {
    const only = place("only");
    await plant(3, only);
    const clock = manualClock();
    let isDone = false;
    const limits = { bytesPerSecondMax: size / 2 };
    const run = scrub([only.tier], { limits, clock }).then((end) => {
      isDone = true;
      return end;
    });
    for (let turn = 0; turn < 3; turn += 1) await settle();
    expect(clock.waits).toEqual([2000, 4000, 6000]);
    await clock.advance(5999);
    expect(isDone).toBe(false);
    await clock.advance(1);
    expect((await run).bytes).toBe(3 * size);
  });
});

describe("a cursor", () => {
  test("goes on after the last digest that was reported, wherever a run was killed", async () => {
    const [first, second] = [place("first"), place("second")];
    const digests = await plant(9, first, second);
    const tiers = [first.tier, second.tier];
    const of = { tiers: ["first", "second"], quick: false };
    for (let killedAt = 0; killedAt < digests.length; killedAt += 1) {
      const seen: Digest[] = [];
      let file: string | undefined;
      const report =
        (limit: number) =>
        ({ digest }: ScrubFinding): void => {
          if (seen.length >= limit) throw new Error("killed");
          seen.push(digest);
          file = formatCursor({ ...of, after: digest });
        };
      await expect(scrub(tiers, { report: report(killedAt) })).rejects.toThrow("killed");
      const after = file === undefined ? undefined : parseCursor(file, of);
      await scrub(tiers, { report: report(Number.POSITIVE_INFINITY) }, after);
      expect(seen).toEqual(digests);
    }
  });

  test("of another scrub, of a later release or of something else is refused", () => {
    const of = { tiers: ["a", "b"], quick: false };
    const text = formatCursor({ ...of, after: undefined });
    expect(parseCursor(text, of)).toBeUndefined();
    const refused = { code: "INVALID_ARGUMENT" };
    for (const other of [
      { tiers: ["b", "a"], quick: false },
      { tiers: ["a", "b"], quick: true },
    ]) {
      expect(() => parseCursor(text, other)).toThrow(/another scrub/);
    }
    for (const wrong of ["", "7", "null", text.replace("1", "2"), text.replace("null", '"x"')]) {
      expect(() => parseCursor(wrong, of)).toThrow(expect.objectContaining(refused));
    }
  });
});

describe("a repair", () => {
  test.each([
    ["a cache", { role: "cache" }, "repaired"],
    ["a tier with heal", { heal: true, readOnly: false }, "repaired"],
    ["a cache without heal", { role: "cache", heal: false }, "not-allowed"],
    ["a read-only tier with heal", { heal: true }, "not-allowed"],
    ["an origin that says nothing of it", { origin: true }, "not-allowed"],
  ] as const)("in %s: %s", async (_, options, outcome) => {
    const [bad, good] = [place("bad", options), place("good")];
    const good2 = defineTier({ name: "good", source: good.tier.source });
    const [digest] = await plant(1, bad, good);
    await rot(bad, digest!);
    await using best = composite({ tiers: [bad.tier, good2] });
    const { findings } = await scrub([bad.tier], { best });
    expect(findings[0]?.checks).toMatchObject([{ status: "corrupt", repair: { outcome } }]);
    const kept = await keysOf(bad.bucket, "quarantine/");
    expect(kept).toHaveLength(outcome === "repaired" ? 2 : 0);
    const again = await scrub([bad.tier]);
    expect(told(again.findings)).toEqual([[outcome === "repaired" ? "bad ok" : "bad corrupt"]]);
  });

  test("of what is right when the store looks for itself changes nothing", async () => {
    // The scrub's own way to the tier is at fault, twice.
    const [cache, good] = [place("cache", { role: "cache" }), place("good")];
    const [digest] = await plant(1, cache, good);
    const { source } = cache.tier;
    const upset = bucketStore(
      flipping(cache.bucket, layout.key(digest!), (bytes) => bytes.fill(0)),
      layout,
    );
    const open: BlobStore["open"] = (asked, call) => upset.open(asked, call);
    const tier = defineTier({ ...cache.tier, source: { ...source, open } });
    await using best = composite({ tiers: [tier, good.tier] });
    const { findings } = await scrub([tier], { best });
    const repair = { outcome: "unneeded" };
    expect(findings[0]?.checks).toMatchObject([{ status: "corrupt", repair }]);
    expect(await keysOf(cache.bucket, "quarantine/")).toEqual([]);
  });

  test("of a blob whose every copy is wrong replaces none of them", async () => {
    const [first, second] = [place("first", { role: "cache" }), place("second", { role: "cache" })];
    const [digest] = await plant(1, first, second);
    await rot(first, digest!);
    await rot(second, digest!, someBytes(size, 98));
    await using best = composite({ tiers: [first.tier, second.tier] });
    const { findings } = await scrub([first.tier, second.tier], { best });
    const repair = { outcome: "no-good-copy" };
    expect(findings[0]?.checks).toMatchObject([{ repair }, { repair }]);
    for (const { bucket } of [first, second]) {
      expect(await keysOf(bucket, layout.key(digest!))).toHaveLength(1);
      expect((await bucket.head(layout.key(digest!)))?.version).toBe("v3");
    }
  });

  test("takes a large blob from the next tier that has it, past one that is wrong too", async () => {
    const places = [
      place("first", { role: "cache" }),
      place("second", { role: "cache" }),
      place("third"),
    ] as const;
    const bytes = someBytes(5 * 2 ** 20);
    const { digest } = await places[2].tier.source.put(bytes);
    for (const bad of places.slice(0, 2)) await rot(bad, digest, someBytes(5 * 2 ** 20, 3));
    await using best = composite({ tiers: places.map(({ tier }) => tier) });
    const tiers = [places[0].tier, places[1].tier];
    let findings: ScrubFinding[] = [];
    // Above 4 MiB a wrong copy is known only at its end, and then passed over by the next read.
    for (let round = 0; round < 3; round += 1) ({ findings } = await scrub(tiers, { best }));
    expect(told(findings)).toEqual([["first ok", "second ok"]]);
  });
});
