import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type BlobStore,
  type BreakerEvent,
  bucketStore,
  type ErrorCode,
  limited,
  measured,
  memoryBucket,
  parseDigest,
  type RetryEvent,
  shardedLayout,
  StoreError,
  withBreaker,
  withHedge,
  withRetry,
} from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { manualClock, settle } from "./manual-clock.ts";

// What layers tell of a store's health: a store fails as the test says, on a clock of the test's own,
// and what the layers report is compared with what was asked.

const absent = parseDigest(`sha256:${"0".repeat(64)}`);
const bytes = new TextEncoder().encode("hello");

interface Weather {
  code?: ErrorCode | undefined;
  retryAfterMs?: number | undefined;
  /** What each answer waits for. */
  hold?: Promise<void> | undefined;
}

function shaky(weather: Weather): BlobStore {
  const inner = bucketStore(memoryBucket(), shardedLayout(""), { name: "shaky" });
  const pass = async (): Promise<void> => {
    await weather.hold;
    const { code, retryAfterMs } = weather;
    if (code !== undefined) {
      throw new StoreError({ code, operation: "open", message: "weather", retryAfterMs });
    }
  };
  return {
    ...inner,
    async stat(digest, call) {
      await pass();
      return await inner.stat(digest, call);
    },
    async open(digest, call) {
      await pass();
      return await inner.open(digest, call);
    },
  };
}

async function collect<T>(channel: string, work: () => Promise<void>): Promise<T[]> {
  const events: T[] = [];
  const listen = (event: unknown): void => void events.push(event as T);
  subscribe(channel, listen);
  try {
    await work();
  } finally {
    unsubscribe(channel, listen);
  }
  return events;
}

describe("measured", () => {
  it("counts answers, failures and refusals of the last while, and forgets them", async () => {
    const clock = manualClock();
    const weather: Weather = {};
    const store = measured(shaky(weather), { clock, windowMs: 1000 });
    for (let count = 0; count < 3; count += 1) await store.stat(absent);
    weather.code = "UNAVAILABLE";
    await store.stat(absent).catch(() => undefined);
    weather.code = "RATE_LIMITED";
    await store.open(absent).catch(() => undefined);
    weather.code = "ABORTED";
    await store.open(absent).catch(() => undefined);
    expect(store.recent()).toEqual({
      inFlight: 0,
      requests: 5,
      failures: 1,
      refusals: 1,
      p95Ms: undefined,
    });
    await clock.advance(2000);
    expect(store.recent()).toMatchObject({ requests: 0, failures: 0, refusals: 0 });
  });

  it("counts a read as under way until it is over, and a body that breaks off as failed", async () => {
    const inner = shaky({});
    const { digest } = await inner.put(bytes);
    const broken: BlobStore = {
      ...inner,
      async open(wanted, call) {
        const content = await inner.open(wanted, call);
        if (content === undefined) return undefined;
        const fail = (): StoreError =>
          new StoreError({ code: "UNAVAILABLE", operation: "open", message: "it broke off" });
        return { ...content, bytes: () => Promise.reject(fail()) };
      },
    };
    const store = measured(broken);
    const content = await store.open(digest);
    expect(store.recent()).toMatchObject({ inFlight: 1, requests: 1, failures: 0 });
    await expect(content?.bytes()).rejects.toThrow("broke off");
    expect(store.recent()).toMatchObject({ inFlight: 0, failures: 1 });
    expect(await store.open(absent)).toBeUndefined();
    expect(store.recent().inFlight).toBe(0);
  });

  it("knows how long answers take once there were enough of them", async () => {
    const clock = manualClock();
    const weather: Weather = {};
    const store = measured(shaky(weather), { clock });
    for (let count = 1; count <= 40; count += 1) {
      const held = Promise.withResolvers<void>();
      weather.hold = held.promise;
      const asked = store.stat(absent);
      await clock.advance(count > 36 ? 500 : 10);
      held.resolve();
      await asked;
    }
    expect(store.recent().p95Ms).toBe(500);
  });
});

describe("limited", () => {
  it("tells how many are under way, and how many wait", async () => {
    const held = Promise.withResolvers<void>();
    const store = limited(shaky({ hold: held.promise }), { concurrencyMax: 2 });
    const asked = [1, 2, 3].map(() => store.stat(absent));
    await settle();
    expect(store.limit()).toEqual({ active: 2, waiting: 1, concurrency: 2, concurrencyMax: 2 });
    held.resolve();
    await Promise.all(asked);
    await settle();
    expect(store.limit()).toMatchObject({ active: 0, waiting: 0 });
  });
});

describe("withRetry", () => {
  it("tells what is left of its budget, and publishes what became of each failure", async () => {
    const store = withRetry(shaky({ code: "UNAVAILABLE" }), {
      attemptsMax: 2,
      baseMs: 0,
      retriesMin: 1,
    });
    expect(store.retryBudget()).toEqual({ requests: 0, retries: 0, left: 1 });
    const events = await collect<RetryEvent>("bitstore:retry", async () => {
      for (let count = 0; count < 2; count += 1) await store.stat(absent).catch(() => undefined);
    });
    expect(events.map(({ outcome, count }) => `${outcome} ${count}`)).toEqual([
      "retried 1",
      "gave-up 2",
      "over-budget 1",
    ]);
    expect(events[0]).toMatchObject({ source: "shaky", operation: "stat" });
    expect(store.retryBudget()).toEqual({ requests: 2, retries: 1, left: 0 });
  });
});

describe("withBreaker", () => {
  it("publishes that it opened, lets a canary pass, opens again, and closes", async () => {
    const clock = manualClock();
    const weather: Weather = { code: "UNAVAILABLE" };
    const store = withBreaker(shaky(weather), { clock, random: () => 0.5, requestsMin: 3 });
    const ask = (): Promise<unknown> => store.stat(absent).catch(() => undefined);
    const events = await collect<BreakerEvent>("bitstore:breaker", async () => {
      for (let count = 0; count < 5; count += 1) await ask();
      await clock.advance(1000);
      await ask();
      weather.code = undefined;
      await clock.advance(2000);
      await ask();
    });
    expect(events.map(({ state }) => state)).toEqual([
      "open",
      "half-open",
      "open",
      "half-open",
      "closed",
    ]);
    expect(events[0]).toEqual({
      source: "shaky",
      state: "open",
      requests: 3,
      failures: 3,
      retryAfterMs: 1000,
    });
  });
});

describe("withHedge", () => {
  it("tells how many second requests there were", async () => {
    const store = withHedge(shaky({}));
    await store.stat(absent);
    expect(store.hedges()).toEqual({ requests: 1, extra: 0, won: 0 });
  });
});
