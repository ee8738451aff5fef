import { type Bucket, type Clock, digestOf, memoryBucket, StoreError } from "@bitstore/core";
import { beforeEach, describe, expect, test } from "vitest";
import {
  acquireLease,
  type FoundLease,
  lapsedKeptMs,
  leaseDigestsMax,
  leaseMarginMs,
  type LeaseOptions,
  listLeases,
  removeLapsedLease,
} from "@bitstore/tags";

const digest = await digestOf(new Uint8Array(1), "sha256");
const ttlMs = 10 * 60_000;
let nowMs = 0;
let bucket: Bucket;
const options: LeaseOptions = { namespace: "n", digests: [digest], holder: "job", ttlMs };

async function leases(of: Bucket = bucket): Promise<FoundLease[]> {
  const found: FoundLease[] = [];
  for await (const lease of listLeases(of, "n")) found.push(lease);
  return found;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Makes a clock that goes on with the service's, when it is told to. */
function manualClock(): {
  readonly clock: Clock;
  readonly timers: ReadonlySet<Timer>;
  advance(ms: number): Promise<void>;
} {
  const timers = new Set<Timer>();
  const clock: Clock = {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const advance = async (ms: number): Promise<void> => {
    nowMs += ms;
    for (const timer of timers) {
      if (timer.atMs > nowMs) continue;
      timers.delete(timer);
      timer.callback();
    }
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, timers, advance };
}

beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  bucket = memoryBucket("metadata", () => new Date(nowMs));
});

describe("a lease", () => {
  // It holds for its time, and five minutes on top, by the service's clock alone; each renewal begins
  // that anew; once it has lapsed it can't be renewed any more, since a collector may have gone by.
  test("holds until its time is over, and is renewed until then", async () => {
    const lease = await acquireLease(bucket, { ...options, reason: "because" });
    expect(await leases()).toMatchObject([
      { id: lease.id, namespace: "n", digests: [digest], holder: "job", reason: "because" },
    ]);
    nowMs += ttlMs + leaseMarginMs;
    expect((await leases())[0]?.lapsedMs).toBeUndefined();
    await lease.renew();
    nowMs += ttlMs + leaseMarginMs;
    expect((await leases())[0]?.lapsedMs).toBeUndefined();
    nowMs += 1;
    expect((await leases())[0]?.lapsedMs).toBe(1);
    await expect(lease.renew()).rejects.toMatchObject({ code: "PRECONDITION_FAILED" });
    expect(lease.signal.aborted).toBe(true);
    expect(await removeLapsedLease(bucket, (await leases())[0] as FoundLease)).toBe(false);
    nowMs += lapsedKeptMs;
    expect(await removeLapsedLease(bucket, (await leases())[0] as FoundLease)).toBe(true);
    expect(await leases()).toEqual([]);
  });

  test("is gone once it is released, by itself at the end of a block", async () => {
    {
      await using lease = await acquireLease(bucket, { ...options, digests: "all" });
      expect(lease.signal.aborted).toBe(false);
      expect(await leases()).toMatchObject([{ digests: "all" }]);
    }
    expect(await leases()).toEqual([]);
  });

  test("that is gone or somebody else's is lost", async () => {
    const lease = await acquireLease(bucket, options);
    await bucket.delete(`v1/n/l/${lease.id}.json`);
    await expect(lease.renew()).rejects.toThrow("the lease is lost: it is gone");
    expect(lease.signal.reason).toMatchObject({ code: "PRECONDITION_FAILED" });
  });

  // The blobs are looked for once the lease is there, so that none can go between the two.
  test("holds nothing where a blob is absent", async () => {
    const asked: number[] = [];
    const stat: LeaseOptions["stat"] = async () => {
      asked.push((await leases()).length);
      return undefined;
    };
    await expect(acquireLease(bucket, { ...options, stat })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    expect(asked).toEqual([1]);
    expect(await leases()).toEqual([]);
  });

  test.each(["before", "after"])(
    "is one although its answer was lost %s it was written",
    async (when) => {
      let isLost = true;
      const losing: Bucket = {
        ...bucket,
        async put(key, body, call) {
          const outcome =
            isLost && when === "before" ? undefined : await bucket.put(key, body, call);
          if (!isLost && outcome !== undefined) return outcome;
          isLost = false;
          throw new StoreError({ code: "TIMEOUT", operation: "put", message: "lost" });
        },
      };
      const lease = await acquireLease(losing, options);
      expect(await leases()).toMatchObject([{ id: lease.id }]);
      await lease.renew();
    },
  );

  // It renews by itself on a clock, tries sooner where that failed, and stops at its release.
  test("renews by itself", async () => {
    const { clock, timers, advance } = manualClock();
    let isDown = false;
    const flaky: Bucket = {
      ...bucket,
      head: (key, call) =>
        isDown
          ? Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "head", message: "" }))
          : bucket.head(key, call),
    };
    const lease = await acquireLease(flaky, { ...options, renewEveryMs: ttlMs / 2, clock });
    for (let round = 0; round < 5; round += 1) await advance(ttlMs / 2);
    expect((await leases())[0]?.lapsedMs).toBeUndefined();
    isDown = true;
    await advance(ttlMs / 2);
    isDown = false;
    await advance(ttlMs / 8);
    nowMs += ttlMs + leaseMarginMs;
    expect((await leases())[0]?.lapsedMs).toBeUndefined();
    await lease.release();
    expect(timers.size).toBe(0);
  });

  // Whoever works under a lease has to stop once it may be gone: its renewals fail, or hang for ever.
  test.each(["fail", "hang"])("tells its holder that it lapsed where renewals %s", async (how) => {
    const { clock, timers, advance } = manualClock();
    let isDown = false;
    const down = (): Promise<never> =>
      how === "hang"
        ? new Promise(() => undefined)
        : Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "head", message: "" }));
    const broken: Bucket = {
      ...bucket,
      head: (key, call) => (isDown ? down() : bucket.head(key, call)),
    };
    const lease = await acquireLease(broken, { ...options, renewEveryMs: ttlMs / 4, clock });
    await advance(ttlMs / 4);
    isDown = true;
    for (let step = 1; step < 8; step += 1) await advance(ttlMs / 8);
    expect(lease.signal.aborted).toBe(false);
    await advance(ttlMs / 8);
    expect(lease.signal.reason).toMatchObject({ code: "PRECONDITION_FAILED" });
    isDown = false;
    await expect(lease.renew()).rejects.toThrow("no renewal came through");
    await lease.release();
    await advance(60_000);
    expect(timers.size).toBe(0);
  });

  test("is not waited for without end", async () => {
    const { clock, advance } = manualClock();
    const stuck: Bucket = { ...bucket, put: () => new Promise(() => undefined) };
    const refused = acquireLease(stuck, { ...options, clock }).catch((error: unknown) => error);
    for (let round = 0; round < 5; round += 1) await advance(30_000);
    expect(await refused).toMatchObject({ code: "TIMEOUT" });
  });

  test("holds for longer than a timer can be set to", async () => {
    const { clock, timers, advance } = manualClock();
    const timerMsMax = 2 ** 31 - 1;
    const lease = await acquireLease(bucket, { ...options, ttlMs: 2 ** 32, clock });
    expect([...timers].map(({ atMs }) => atMs - nowMs)).toEqual([timerMsMax]);
    for (let round = 0; round < 2; round += 1) await advance(timerMsMax);
    expect(lease.signal.aborted).toBe(false);
    await advance(2);
    expect(lease.signal.aborted).toBe(true);
    await lease.release();
  });

  // Collectors of a later release may not heed what this one writes.
  test("is refused where a later release writes", async () => {
    const format = { layout: "metadata", id: "x", minReader: 1, minWriter: 9, proved: [] };
    await bucket.put("v1/_bitstore.json", new TextEncoder().encode(JSON.stringify(format)));
    await expect(acquireLease(bucket, options)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(await leases()).toEqual([]);
  });

  // An object that says it is another lease would have that one removed.
  test.each(["namespace", "id"])("of another %s than its key is refused", async (member) => {
    const victim = await acquireLease(bucket, { ...options, namespace: "victim" });
    const key = `v1/victim/l/${victim.id}.json`;
    const bytes = (await (await bucket.read(key))?.bytes()) ?? new Uint8Array();
    const name = member === "namespace" ? victim.id : "x";
    const text = new TextDecoder().decode(bytes);
    const forged = member === "namespace" ? text : text.replace('"victim"', '"n"');
    await bucket.put(`v1/n/l/${name}.json`, new TextEncoder().encode(forged));
    await expect(leases()).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await removeLapsedLease(bucket, { key: "v1/n/l/listed.json", lapsedMs: lapsedKeptMs });
    expect(await bucket.head(key)).toBeDefined();
    await victim.release();
  });

  test.each<[string, Partial<LeaseOptions>, string]>([
    [
      "too many digests",
      { digests: Array.from({ length: leaseDigestsMax + 1 }, () => digest) },
      "digests",
    ],
    ["no holder", { holder: "" }, "holder"],
    ["a moment", { ttlMs: 59_999 }, "less than a minute"],
    ["no namespace", { namespace: "../x" }, "no namespace"],
  ])("is refused with %s", async (_, wrong, message) => {
    const refused = await acquireLease(bucket, { ...options, ...wrong }).catch((e: unknown) => e);
    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(String(refused)).toContain(message);
  });

  test("of a later release is refused by who lists it", async () => {
    await bucket.put("v1/n/l/x.json", new TextEncoder().encode('{"schema":"bitstore.lease/2"}'));
    await expect(leases()).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  test("can't be where nobody tells the time", async () => {
    const timeless = { ...bucket, serviceTime: () => undefined };
    await expect(acquireLease(timeless, options)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});
