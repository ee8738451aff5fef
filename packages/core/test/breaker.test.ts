import { faultyStore, inTurn } from "@bitstore/conformance";
import {
  type Attempt,
  type BlobStore,
  bucketStore,
  type Clock,
  composite,
  defineTier,
  type Digest,
  digestOf,
  type ErrorCode,
  fetchMany,
  isStoreError,
  memoryBucket,
  parseDigest,
  shardedLayout,
  StoreError,
  withBreaker,
} from "@bitstore/core";
import { describe, expect, it } from "vitest";

// A breaker is driven by a clock of the test's own: what it lets pass is counted at the store inside,
// which fails as the test says.

interface ManualClock extends Clock {
  advance(ms: number): void;
}

function manualClock(): ManualClock {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      nowMs += ms;
      for (const timer of timers) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.callback();
      }
    },
  };
}

const absent = parseDigest(`sha256:${"0".repeat(64)}`);
const bytes = new TextEncoder().encode("hello");

interface Weather {
  code: ErrorCode | undefined;
  retryAfterMs?: number;
}

/** A store that fails as the weather says, and counts what it is asked. */
function shaky(weather: Weather): BlobStore & { asked: number } {
  const inner = bucketStore(memoryBucket(), shardedLayout(""));
  const store = {
    ...inner,
    asked: 0,
    async stat(digest: Digest) {
      store.asked += 1;
      const { code, retryAfterMs } = weather;
      if (code === undefined) return await inner.stat(digest);
      throw new StoreError({ code, operation: "stat", message: "bad weather", retryAfterMs });
    },
  };
  return store;
}

async function ask(store: BlobStore, times: number): Promise<string[]> {
  const answers: string[] = [];
  for (let n = 0; n < times; n += 1) {
    await store.stat(absent).then(
      () => answers.push("answered"),
      (error: unknown) =>
        answers.push(isStoreError(error) ? (error.serviceCode ?? error.code) : "?"),
    );
  }
  return answers;
}

const settings = { random: () => 0.5 };

describe("a breaker", () => {
  it("is not opened by an answer, whatever came before it", async () => {
    const weather: Weather = { code: "UNAVAILABLE" };
    const inner = shaky(weather);
    const store = withBreaker(inner, { clock: manualClock(), random: () => 0.5 });
    await ask(store, 19);
    weather.code = undefined;
    await ask(store, 2);
    expect(inner.asked).toBe(21);
    weather.code = "UNAVAILABLE";
    await ask(store, 2);
    expect(inner.asked).toBe(22);
  });

  it("opens at 20 requests of which half failed, and holds back all that follow", async () => {
    const weather: Weather = { code: undefined };
    const inner = shaky(weather);
    const clock = manualClock();
    const store = withBreaker(inner, { ...settings, clock });
    await ask(store, 10);
    weather.code = "UNAVAILABLE";
    expect(await ask(store, 9)).not.toContain("BreakerOpen");
    expect(store.breaker()).toMatchObject({ state: "closed", requests: 19, failures: 9 });
    expect(await ask(store, 3)).toEqual(["UNAVAILABLE", "BreakerOpen", "BreakerOpen"]);
    expect(inner.asked).toBe(20);
    expect(store.breaker()).toMatchObject({ state: "open", retryAfterMs: 1000 });
    const error = await store.stat(absent).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "UNAVAILABLE",
      persistence: "exhausted",
      retryAfterMs: 1000,
    });
  });

  it("forgets what is older than 10 seconds", async () => {
    const weather: Weather = { code: "TIMEOUT" };
    const clock = manualClock();
    const store = withBreaker(shaky(weather), { ...settings, clock });
    await ask(store, 19);
    clock.advance(11_000);
    expect(await ask(store, 19)).not.toContain("BreakerOpen");
    expect(store.breaker()).toMatchObject({ state: "closed", requests: 19 });
  });

  it("counts no answer as a failure: refusals, misses, aborts, nor a time to come back", async () => {
    const codes: readonly Weather[] = [
      { code: "PERMISSION_DENIED" },
      { code: "ABORTED" },
      { code: "RATE_LIMITED" },
      { code: "UNAVAILABLE", retryAfterMs: 10 },
      { code: undefined },
    ];
    for (const weather of codes) {
      const inner = shaky(weather);
      const store = withBreaker(inner, { ...settings, clock: manualClock() });
      await ask(store, 50);
      expect(inner.asked, weather.code).toBe(50);
    }
  });

  it("lets one canary pass at a time: its answer closes it, its failure doubles the wait", async () => {
    const weather: Weather = { code: "UNAVAILABLE" };
    const inner = shaky(weather);
    const clock = manualClock();
    const store = withBreaker(inner, { ...settings, clock });
    await ask(store, 20);
    clock.advance(999);
    expect(await ask(store, 1)).toEqual(["BreakerOpen"]);
    clock.advance(1);
    expect(store.breaker().state).toBe("half-open");
    expect(await ask(store, 2)).toEqual(["UNAVAILABLE", "BreakerOpen"]);
    clock.advance(1999);
    expect(await ask(store, 1)).toEqual(["BreakerOpen"]);
    clock.advance(1);
    weather.code = undefined;
    const both = await Promise.allSettled([store.stat(absent), store.stat(absent)]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await ask(store, 3)).toEqual(["answered", "answered", "answered"]);
    expect(store.breaker()).toMatchObject({ state: "closed", failures: 0 });
  });

  it("lets the next canary pass where one was abandoned", async () => {
    const weather: Weather = { code: "UNAVAILABLE" };
    const clock = manualClock();
    const store = withBreaker(shaky(weather), { ...settings, clock });
    await ask(store, 20);
    clock.advance(1000);
    weather.code = "ABORTED";
    expect(await ask(store, 1)).toEqual(["ABORTED"]);
    weather.code = undefined;
    expect(await ask(store, 1)).toEqual(["answered"]);
  });

  // The canary is a put whose body never ends, which nothing bounds but its caller.
  it("lets the next canary pass where one takes its caller's time", async () => {
    const weather: Weather = { code: "UNAVAILABLE" };
    const clock = manualClock();
    const store = withBreaker(shaky(weather), { ...settings, clock });
    await ask(store, 20);
    clock.advance(1000);
    weather.code = undefined;
    void store.put(async function* () {
      yield bytes;
      await new Promise(() => undefined);
    });
    clock.advance(29_999);
    expect(await ask(store, 1)).toEqual(["BreakerOpen"]);
    clock.advance(1);
    expect(await ask(store, 2)).toEqual(["answered", "answered"]);
    expect(store.breaker().state).toBe("closed");
  });

  it("is not moved by what began before it opened", async () => {
    const clock = manualClock();
    const answers: (() => void)[] = [];
    const inner: BlobStore = {
      ...bucketStore(memoryBucket(), shardedLayout("")),
      stat: () => new Promise((resolve) => void answers.push(() => resolve(undefined))),
      open: () =>
        Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "open", message: "down" })),
    };
    const store = withBreaker(inner, { ...settings, clock });
    const late = store.stat(absent);
    await Promise.allSettled(Array.from({ length: 20 }, () => store.open(absent)));
    answers[0]?.();
    await late;
    expect(store.breaker().state).toBe("open");
  });

  it("counts bodies that break off", async () => {
    const plain = bucketStore(memoryBucket(), shardedLayout(""));
    const { digest } = await plain.put(bytes);
    const broken = faultyStore(
      plain,
      inTurn({ open: { body: { atByte: 2, effect: "UNAVAILABLE" } } }),
    );
    const store = withBreaker(broken, { ...settings, clock: manualClock() });
    for (let n = 0; n < 10; n += 1) {
      const content = await store.open(digest);
      await expect(content?.bytes()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    }
    await expect(store.open(digest)).rejects.toMatchObject({ serviceCode: "BreakerOpen" });
  });

  it("takes no error of a put's own body for one of the store", async () => {
    const store = withBreaker(bucketStore(memoryBucket(), shardedLayout("")), {
      ...settings,
      clock: manualClock(),
    });
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new Error("the disk is gone");
    };
    for (let n = 0; n < 30; n += 1) {
      await expect(store.put(body)).rejects.toThrow("the disk is gone");
    }
    expect(store.breaker()).toMatchObject({ state: "closed", failures: 0 });
  });
});

describe("a tier whose breaker is open", () => {
  it("is skipped, says so, and makes nothing absent", async () => {
    const clock = manualClock();
    const held = withBreaker(shaky({ code: "UNAVAILABLE" }), { ...settings, clock });
    const behind = bucketStore(memoryBucket(), shardedLayout(""));
    const { digest } = await behind.put(bytes);
    const store = composite({
      clock,
      tiers: [
        defineTier({ name: "held", source: held }),
        defineTier({ name: "behind", source: behind, origin: true }),
      ],
    });
    await ask(held, 20);
    const attempts: Attempt[] = [];
    const onAttempt = (attempt: Attempt): void => void attempts.push(attempt);
    await expect(store.stat(digest, { onAttempt })).resolves.toMatchObject({ digest });
    expect(attempts.map(({ tier, outcome }) => `${tier} ${outcome}`)).toEqual([
      "held skipped",
      "behind hit",
    ]);
    await expect(store.stat(absent)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("delays a bulk fetch, and fails no digest of it", async () => {
    const clock = manualClock();
    const plain = bucketStore(memoryBucket(), shardedLayout(""));
    const bodies = Array.from({ length: 60 }, (_, n) => new TextEncoder().encode(`blob ${n}`));
    const digests = await Promise.all(bodies.map((body) => digestOf(body, "sha256")));
    for (const body of bodies) await plain.put(body);
    let isDown = true;
    let asked = 0;
    const outage: BlobStore = {
      ...plain,
      async open(digest, call) {
        asked += 1;
        if (!isDown) return await plain.open(digest, call);
        throw new StoreError({ code: "UNAVAILABLE", operation: "open", message: "down" });
      },
    };
    const held = withBreaker(outage, { ...settings, clock });
    await Promise.allSettled(Array.from({ length: 20 }, () => held.open(absent)));
    const store = composite({
      clock,
      tiers: [defineTier({ name: "held", source: held, origin: true })],
    });
    const statuses: string[] = [];
    const fetching = (async () => {
      const deliver = async (): Promise<void> => undefined;
      for await (const { status } of fetchMany(store, digests, { deliver, clock })) {
        statuses.push(status);
      }
    })();
    for (let step = 0; step < 40; step += 1) {
      await new Promise(setImmediate);
      if (step === 20) isDown = false;
      clock.advance(500);
    }
    await fetching;
    expect(statuses).toEqual(digests.map(() => "fetched"));
    expect(asked).toBeLessThan(20 + 60 + 12);
  });

  it("fails the digests of a bulk fetch once the wait for it is over", async () => {
    const clock = manualClock();
    const held = withBreaker(shaky({ code: "UNAVAILABLE" }), { ...settings, clock });
    await ask(held, 20);
    const store = composite({
      clock,
      tiers: [defineTier({ name: "held", source: held, origin: true })],
    });
    const outcomes: string[] = [];
    const fetching = (async () => {
      const deliver = async (): Promise<void> => undefined;
      const options = { deliver, clock, breakerWaitMsMax: 5000 };
      const source = {
        ...store,
        open: (digest: Digest) => store.stat(digest).then(() => undefined),
      };
      for await (const { status, error } of fetchMany(source, [absent], options)) {
        outcomes.push(`${status} ${error?.code}`);
      }
    })();
    for (let step = 0; step < 30; step += 1) {
      await new Promise(setImmediate);
      clock.advance(500);
    }
    await fetching;
    expect(outcomes).toEqual(["failed UNAVAILABLE"]);
  });
});
