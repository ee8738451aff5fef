import { type Bucket, StoreError } from "@bitstore/core";
import { acquireLease } from "@bitstore/tags";
import { describe, expect, test } from "vitest";
import { metadataRoots } from "../src/index.ts";
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
  pauseOfNoLength,
  put,
  run,
  snapshot,
  tags,
} from "./gc-world.ts";

anewBeforeEach();

describe("a garbage collection that meets with trouble", () => {
  // A lease that holds everything stops it; one that lapses is shown for a day, and then removed.
  test("stands still for a lease of everything, until that has lapsed", async () => {
    await put("garbage");
    await acquireLease(metadata, {
      namespace: "other",
      digests: "all",
      holder: "migration",
      ttlMs: 2 * dayMs,
    });
    pass(2 * dayMs + 5 * 60_000);
    const paused = await run();
    expect(paused.pausedBy).toMatchObject({ holder: "migration", namespace: "other" });
    expect(fatesOf(paused)).toEqual({});
    pass(1000);
    const report = await run();
    expect(report.pausedBy).toBeUndefined();
    expect(report.lapsedLeases).toMatchObject([{ holder: "migration", lapsedMs: 1000 }]);
    expect(report.removedLeases).toBe(0);
    expect(fatesOf(report)).toEqual({ named: 1, swept: 1 });
    pass(dayMs);
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
    pass(2 * dayMs);
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
    pass(2 * dayMs);
    expect(fatesOf(await run({ sweepMax: 2 }))).toEqual({ named: 1, swept: 2, left: 3 });
    expect(fatesOf(await run())).toEqual({ named: 1, swept: 3, kept: 2 });
    pass(2 * dayMs);
    expect(fatesOf(await run({ purgeMax: 1 }))).toEqual({ named: 1, purged: 1, kept: 4 });
    expect(fatesOf(await run({ purgeMax: 3 }))).toEqual({ named: 1, purged: 3, kept: 1 });
  });

  // Wrong bytes must not replace right ones: a blob that rotted is left for `verify` to look at.
  test("leaves a corrupt blob where it is", async () => {
    const digest = await put("garbage");
    await bucket.put(layout.key(digest), new TextEncoder().encode("rotten!"));
    pass(2 * dayMs);
    expect(fatesOf(await run())).toEqual({ named: 1, corrupt: 1 });
    expect(await isLive(digest)).toBe(true);
    expect(Object.keys(await snapshot(bucket)).filter((key) => key.includes("trash"))).toEqual([]);
  });

  test("gives the trash's copy of a named blob up for nothing worse", async () => {
    const digest = await put("late");
    pass(dayMs);
    await run();
    await tags.append("late", digest);
    await bucket.put(layout.key(digest), new TextEncoder().encode("rot!"));
    pass(2 * dayMs);
    expect(fatesOf(await run())).toEqual({ named: 2, corrupt: 1 });
    expect(Object.keys(await snapshot(bucket)).filter((key) => key.includes("trash"))).toHaveLength(
      1,
    );
  });

  // A service that does not list in order would have blobs in use taken for garbage.
  test("refuses a listing that does not ascend", async () => {
    for (let at = 0; at < 5; at += 1) await put(`garbage ${at}`);
    pass(2 * dayMs);
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
    pass(10 * 60_000 + 1);
    expect(fatesOf(await run())).toEqual({ named: 1 });
    expect(await metadata.head("v1/_gc-lock.json")).toBeUndefined();
  });
});
