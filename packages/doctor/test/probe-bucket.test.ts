import { fsBucket } from "@bitstore/bucket-fs";
import { type Bucket, isStoreError, memoryBucket, StoreError } from "@bitstore/core";
import { faultyBucket, inTurn, noFaults } from "@bitstore/conformance";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  bucketProbeNames,
  carriesTags,
  probeBucket,
  type ProbeBucketOptions,
  type ProbeResult,
} from "../src/index.ts";
import { fenced } from "../src/fence.ts";
import { liars } from "./liars.ts";
import { hurried, namesOf, probed } from "./probe-support.ts";

// The probes run over buckets that are right, that break one promise each, that only have bad weather,
// and that must not be written; what they leave behind is looked at afterwards.

describe("a bucket that is right", () => {
  test("in memory: everything holds, and nothing is left", async () => {
    // All probes say yes, but that of redirects, which has nothing to tell.
    const bucket = memoryBucket();
    await bucket.put("mine", new Uint8Array(5));
    const results = await probed(bucket, { throughput: true });
    expect([...results.keys()]).toEqual(bucketProbeNames);
    expect(namesOf(results, "skipped")).toEqual(["redirects"]);
    expect(namesOf(results, "yes")).toEqual(
      bucketProbeNames.filter((name) => name !== "redirects"),
    );
    expect(carriesTags([...results.values()])).toBe(true);
    expect(bucket.size).toBe(1);
    const figures = results.get("throughput")?.figures;
    expect(figures?.["uploadMebibytesPerSecond"]).toBeGreaterThan(0);
    expect(figures?.["smallReadsPerSecond"]).toBeGreaterThan(0);
  });

  test("on a disk: everything holds, and nothing is left", async () => {
    // The directory is as it was before, as far as a list shows.
    const root = await mkdtemp(join(tmpdir(), "bitstore-doctor-"));
    try {
      await using bucket = await fsBucket({ root });
      const results = await probed(bucket);
      expect(namesOf(results, "no")).toEqual([]);
      expect(namesOf(results, "unknown")).toEqual([]);
      for await (const { key } of bucket.list("")) expect.fail(`${key} was left`);
    } finally {
      await rm(root, { recursive: true });
    }
  });

  test("its results are plain data with a sentence for each", async () => {
    // They survive JSON, and none has a hole where a table would show it.
    const results = [...(await probed(memoryBucket())).values()];
    expect(JSON.parse(JSON.stringify(results))).toHaveLength(bucketProbeNames.length);
    for (const { question, detail, meaning, elapsedMs } of results) {
      expect(question).toMatch(/^[a-z].*\?$/);
      expect(detail).toMatch(/^[a-z0-9].*[^.]$/);
      expect(meaning).toBeUndefined();
      expect(elapsedMs).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("a bucket that breaks one promise", () => {
  // Each wrapper lies about just one thing: its probes must say no, and no other may.
  test.each(liars)("$what", async ({ fails, mutate }) => {
    const inner = memoryBucket();
    const results = await probed({ ...inner, ...mutate(inner) });
    expect(namesOf(results, "no")).toEqual(bucketProbeNames.filter((name) => fails.includes(name)));
    for (const name of fails) expect(results.get(name)?.meaning).toMatch(/^[A-Z].*\.$/);
  });

  test("throughput: bytes that change under load", async () => {
    // Every tenth read has one bit turned over.
    const inner = memoryBucket();
    const flaky = faultyBucket(inner, ({ operation, subject, turn }) =>
      operation === "read" && subject.includes("small") && turn % 10 === 0
        ? { body: { atByte: 100, effect: "flip" } }
        : undefined,
    );
    const results = await probed(flaky, { throughput: true });
    expect(namesOf(results, "no")).toEqual(["throughput"]);
  });

  test("every probe is shown to fail on some bucket", () => {
    // Else a probe that always says yes would not be noticed.
    const shown = new Set([...liars.flatMap(({ fails }) => fails), "throughput"]);
    expect(bucketProbeNames.filter((name) => !shown.has(name))).toEqual([]);
  });

  test("one that ignores create-if-absent carries no tags", async () => {
    // Also where only the race shows it, or the probe could not be made.
    for (const what of ["ignores ifAbsent", "checks, and then creates", "denies writes"]) {
      const inner = memoryBucket();
      const liar = liars.find((each) => each.what === what) ?? expect.fail(what);
      const results = await probed({ ...inner, ...liar.mutate(inner) });
      expect(carriesTags([...results.values()]), what).toBe(false);
    }
  });
});

describe("a bucket that may not be written", () => {
  test("is never written, and told of what can be told", async () => {
    // Three objects are there to be listed, read and cut. A wrapper counts what is asked.
    const inner = memoryBucket();
    for (const key of ["a", "b", "c"]) await inner.put(key, new Uint8Array(100).fill(7));
    const bucket = faultyBucket(inner, noFaults);
    const results = await probed(bucket, { mayWrite: false, throughput: true });
    expect(namesOf(results, "yes")).toEqual([
      "reachable",
      "list",
      "read",
      "absence",
      "list-order",
      "ranges",
      "clock",
    ]);
    expect(namesOf(results, "no")).toEqual([]);
    expect(bucket.ledger.calls("put")).toBe(0);
    expect(bucket.ledger.calls("delete")).toBe(0);
    expect(bucket.ledger.calls()).toBeLessThan(20);
    expect(bucket.ledger.openReads).toBe(0);
  });

  test("liars about reads and lists are found there as well", async () => {
    // Nothing is known of the bucket but what its own list and reads say.
    const found: string[] = [];
    for (const { what, fails, mutate } of liars) {
      const inner = memoryBucket();
      for (const key of ["\uff5e", "\u{1f600}", "a", "b", "c", "d", "e", "f", "g"]) {
        await inner.put(
          key,
          new Uint8Array(100).map((_, at) => at),
        );
      }
      const results = await probed({ ...inner, ...mutate(inner) }, { mayWrite: false });
      const noes = namesOf(results, "no");
      expect(
        noes.filter((name) => !fails.includes(name)),
        what,
      ).toEqual([]);
      found.push(...noes);
    }
    expect([...new Set(found)].toSorted()).toEqual([
      "absence",
      "clock",
      "list",
      "list-order",
      "ranges",
      "reachable",
      "read",
      "redirects",
    ]);
  });

  test("an empty one is told of honestly", async () => {
    // There is nothing to read, so whether it may be read is not known.
    const results = await probed(memoryBucket(), { mayWrite: false });
    expect(namesOf(results, "no")).toEqual([]);
    expect(results.get("read")?.outcome).toBe("unknown");
    expect(results.get("ranges")?.outcome).toBe("skipped");
    expect(results.get("list-order")?.outcome).toBe("skipped");
  });

  test("one that may not be listed is read by the key that is known", async () => {
    // The list is denied, and one key given.
    const inner = memoryBucket();
    await inner.put(
      "known",
      new Uint8Array(1000).map((_, at) => at % 251),
    );
    const denied = new StoreError({
      code: "PERMISSION_DENIED",
      operation: "list",
      message: "denied",
    });
    const bucket = faultyBucket(inner, inTurn({ list: { fail: denied } }));
    const results = await probed(bucket, { mayWrite: false, knownKey: "known" });
    expect(results.get("read")?.outcome).toBe("yes");
    expect(results.get("ranges")?.outcome).toBe("yes");
    expect(results.get("list")?.outcome).toBe("no");
    expect(results.get("list-order")?.outcome).toBe("skipped");
  });
});

describe("the clocks", () => {
  const noon = Date.parse("2026-03-01T12:00:00Z");
  const skewed = async (byMs: number): Promise<ProbeResult | undefined> => {
    const bucket = memoryBucket("memory:", () => new Date(noon + byMs));
    return (await probed(bucket, { date: () => new Date(noon) })).get("clock");
  };

  test("may differ by five minutes, either way", async () => {
    // At the limit it holds, a second beyond it does not; the figure has a sign.
    const minutes = 5 * 60_000;
    expect(await skewed(minutes)).toMatchObject({ outcome: "yes", figures: { skewMs: minutes } });
    expect(await skewed(-minutes)).toMatchObject({ outcome: "yes", figures: { skewMs: -minutes } });
    expect((await skewed(minutes + 1000))?.detail).toContain("301 s ahead");
    expect((await skewed(-minutes - 1000))?.detail).toContain("301 s behind");
    expect((await skewed(minutes + 1000))?.outcome).toBe("no");
  });

  test("are not guessed at where the service does not tell", async () => {
    // No answer has a date.
    const bucket: Bucket = { ...memoryBucket(), serviceTime: () => undefined };
    expect((await probed(bucket)).get("clock")?.outcome).toBe("unknown");
  });
});

test("the cost of a run is what its documentation says", async () => {
  // Counted at the bucket, clean-up included.
  const cost = async (options: Partial<ProbeBucketOptions>): Promise<number> => {
    const inner = memoryBucket();
    for (const key of ["a", "b", "c"]) await inner.put(key, new Uint8Array(100));
    const bucket = faultyBucket(inner, noFaults);
    await probed(bucket, options);
    return bucket.ledger.calls();
  };
  expect(await cost({ throughput: true })).toBeLessThanOrEqual(600);
  expect(await cost({ throughput: false })).toBeLessThanOrEqual(210);
  expect(await cost({ mayWrite: false })).toBeLessThanOrEqual(14);
});

test("the fence lets no write through, whatever a probe does", async () => {
  // It is asked directly: outside of its prefix, and where there is none.
  const inner = memoryBucket();
  await inner.put("mine", new Uint8Array(1));
  for (const prefix of [undefined, "_doctor/run/"]) {
    const { bucket } = fenced(inner, prefix);
    for (const key of ["mine", "_doctor/other/x", "_doctor/run"]) {
      await expect(bucket.put(key, new Uint8Array(2))).rejects.toMatchObject({
        code: "UNSUPPORTED",
      });
      await expect(bucket.delete(key)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    }
  }
  expect((await inner.head("mine"))?.size).toBe(1);
  expect(inner.size).toBe(1);
});

test("without the right to list, the rest is found out all the same", async () => {
  // What is absent is denied, so that a denial has to be read as absence.
  const inner = memoryBucket();
  const liar = liars.find(({ what }) => what.startsWith("denies lists and")) ?? expect.fail("none");
  const results = await probed({ ...inner, ...liar.mutate(inner) });
  expect(namesOf(results, "unknown")).toEqual([]);
  expect(namesOf(results, "skipped").toSorted()).toEqual([
    "list-after-write",
    "list-order",
    "redirects",
    "throughput",
  ]);
  expect(results.get("absence")?.meaning).toContain("forbiddenMeans=miss");
  expect(carriesTags([...results.values()])).toBe(true);
});

describe("what a driver can't do", () => {
  test("is said by its capabilities, and never asked", async () => {
    // One flag after the other is false, and the operation would reject.
    const no: Record<string, string[]> = {};
    for (const flag of [
      "list",
      "delete",
      "rangeRead",
      "createIfAbsent",
      "replaceIfMatch",
    ] as const) {
      const inner = memoryBucket();
      const capabilities = { ...inner.capabilities, [flag]: false };
      no[flag] = namesOf(await probed({ ...inner, capabilities }), "no");
    }
    expect(no).toEqual({
      list: ["list"],
      delete: ["delete"],
      rangeRead: [],
      createIfAbsent: ["create-twice", "racing-creators"],
      replaceIfMatch: ["if-match"],
    });
  });
});

describe("bad weather", () => {
  test("an outage in the midst is unknown, never a broken promise", async () => {
    // Everything fails from the n-th put or read on.
    for (const operation of ["put", "read", "list", "head"] as const) {
      for (const from of [2, 5, 20, 40]) {
        const bucket = faultyBucket(memoryBucket(), (call) =>
          call.operation === operation && call.turn >= from ? { fail: "UNAVAILABLE" } : undefined,
        );
        const results = await probed(bucket);
        expect(namesOf(results, "no"), `${operation} from ${from}`).toEqual([]);
      }
    }
  });

  test("a bucket that never answers ends by the limit, and is cleaned up", async () => {
    // Reads of one probe stall for ever, heedless of the signal.
    const inner = memoryBucket();
    const stuck: Bucket = {
      ...inner,
      read: (key, call) =>
        key.includes("consistent") ? new Promise(() => undefined) : inner.read(key, call),
    };
    const results = await probed(stuck, { probeMs: 4000 });
    expect(results.get("read-after-write")).toMatchObject({ outcome: "unknown", code: "TIMEOUT" });
    expect(inner.size).toBe(0);
  });

  test("an abort ends the run with ABORTED, and what was written is deleted", async () => {
    // It comes while objects are being put.
    const controller = new AbortController();
    const inner = memoryBucket();
    const bucket: Bucket = {
      ...inner,
      put: async (key, body, call) => {
        if (key.includes("listed")) controller.abort();
        return await inner.put(key, body, { ...call, signal: undefined });
      },
    };
    const run = probed(bucket, { signal: controller.signal });
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
    expect(inner.size).toBe(0);
  });

  test("leaving the loop deletes what was written", async () => {
    // The reader wants to know the first few only.
    const inner = memoryBucket();
    for await (const { name } of probeBucket(inner, { mayWrite: true, clock: hurried })) {
      if (name === "list-order") break;
    }
    expect(inner.size).toBe(0);
  });

  test("a bucket whose lists lag is cleaned up by the keys that were put", async () => {
    // Its lists show nothing at all.
    const inner = memoryBucket();
    const bucket: Bucket = { ...inner, async *list() {} };
    await probed(bucket);
    expect(inner.size).toBe(0);
  });

  test("nothing outside of the run's prefix is written or deleted", async () => {
    // Every put and delete is looked at, also those of a bucket whose lists ignore the prefix.
    const inner = memoryBucket();
    await inner.put("_doctor/other/object", new Uint8Array(3));
    await inner.put("theirs", new Uint8Array(3));
    const bucket = faultyBucket({ ...inner, list: (_, call) => inner.list("", call) }, noFaults);
    await probed(bucket, { nonce: "run" });
    const touched = [...bucket.ledger.subjects("put"), ...bucket.ledger.subjects("delete")];
    expect(touched.length).toBeGreaterThan(100);
    expect(touched.filter((key) => !key.startsWith("_doctor/run/"))).toEqual([]);
    expect(inner.size).toBe(2);
  });

  test("an error that is none of ours is not swallowed", async () => {
    // A defect in a driver shows as what it is.
    const inner = memoryBucket();
    const bucket: Bucket = { ...inner, head: () => Promise.reject(new TypeError("defect")) };
    const error: unknown = await probed(bucket).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TypeError);
    expect(isStoreError(error)).toBe(false);
  });
});
