import {
  type BlobStore,
  bucketStore,
  type Clock,
  type Digest,
  memoryBucket,
  parseDigest,
  shardedLayout,
  StoreError,
  withHedge,
} from "@bitstore/core";
import { describe, expect, it } from "vitest";

// A store answers each request after the time that the test says, on a clock of the test's own; what
// is counted is how many requests it got and which were aborted.

const digest = parseDigest(`sha256:${"0".repeat(64)}`);

interface Slow {
  readonly store: BlobStore;
  readonly clock: Clock;
  /** Time of each request's answer, in turn; the last holds on. An error instead of an answer. */
  plan: (number | StoreError)[];
  asked: number;
  aborted: number;
  disposed: number;
  /** Lets time pass until nothing waits for it. */
  settle(): Promise<void>;
}

function slow(): Slow {
  const inner = bucketStore(memoryBucket(), shardedLayout(""));
  let nowMs = 0;
  const timers = new Map<object, { atMs: number; callback: () => void }>();
  const clock: Clock = {
    now: () => nowMs,
    after(delayMs, callback) {
      const key = {};
      timers.set(key, { atMs: nowMs + delayMs, callback });
      return () => timers.delete(key);
    },
  };
  const self: Slow = {
    clock,
    plan: [1],
    asked: 0,
    aborted: 0,
    disposed: 0,
    async settle() {
      for (;;) {
        await new Promise(setImmediate);
        const next = [...timers].sort(([, one], [, other]) => one.atMs - other.atMs)[0];
        if (next === undefined) return;
        timers.delete(next[0]);
        nowMs = next[1].atMs;
        next[1].callback();
      }
    },
    store: {
      ...inner,
      open(_digest: Digest, call = {}) {
        const planned = self.plan.length > 1 ? self.plan.shift() : self.plan[0];
        self.asked += 1;
        return new Promise((resolve, reject) => {
          const delayMs = typeof planned === "number" ? planned : 1;
          const answer = (): void => {
            if (planned instanceof StoreError) reject(planned);
            else
              resolve({
                size: 0,
                range: { start: 0, end: undefined },
                source: "slow",
                role: "source",
                verified: false,
                version: undefined,
                body: (async function* () {})(),
                bytes: () => Promise.resolve(new Uint8Array()),
                async [Symbol.asyncDispose]() {
                  self.disposed += 1;
                },
              });
          };
          clock.after(delayMs, answer);
          call.signal?.addEventListener("abort", () => (self.aborted += 1));
        });
      },
    },
  };
  return self;
}

async function open(store: BlobStore, self: Slow, times = 1): Promise<number> {
  const startedMs = self.clock.now();
  for (let n = 0; n < times; n += 1) {
    let answeredMs = 0;
    const opening = store.open(digest).then(async (content) => {
      answeredMs = self.clock.now();
      await content?.[Symbol.asyncDispose]();
    });
    opening.catch(() => undefined);
    await self.settle();
    await opening;
    if (times === 1) return answeredMs - startedMs;
  }
  return 0;
}

const down = new StoreError({ code: "UNAVAILABLE", operation: "open", message: "down" });

describe("withHedge", () => {
  it("asks once more where the answer takes longer than 95 of 100 did", async () => {
    const self = slow();
    const store = withHedge(self.store, { clock: self.clock });
    self.plan = [10];
    await open(store, self, 100);
    expect(self.asked).toBe(100);
    self.plan = [5000, 10];
    expect(await open(store, self)).toBe(20);
    expect([self.asked, self.aborted]).toEqual([102, 1]);
    // The one that lost had answered all the same, and was let go.
    expect(self.disposed).toBe(102);
  });

  it("knows nothing at first, so it waits", async () => {
    const self = slow();
    const store = withHedge(self.store, { clock: self.clock });
    self.plan = [5000, 10];
    expect(await open(store, self)).toBe(5000);
    expect(self.asked).toBe(1);
  });

  it("stays within 5 % of the requests, however many are slow", async () => {
    const self = slow();
    const store = withHedge(self.store, { clock: self.clock, budgetMs: 1e9 });
    self.plan = [10];
    await open(store, self, 100);
    self.plan = Array.from({ length: 4000 }, (_, n) => (n % 2 === 0 ? 5000 : 10));
    await open(store, self, 400);
    expect(self.asked - 500).toBeLessThanOrEqual(25);
    expect(self.asked - 500).toBeGreaterThan(5);
  });

  it("takes an answer over an error, and the first error where both fail", async () => {
    const self = slow();
    const store = withHedge(self.store, { clock: self.clock });
    self.plan = [10];
    await open(store, self, 200);
    self.plan = [30, down, 10];
    expect(await open(store, self)).toBe(30);
    self.plan = [down];
    await expect(open(store, self)).rejects.toBe(down);
  });

  it("ends both where its caller leaves", async () => {
    const self = slow();
    const store = withHedge(self.store, { clock: self.clock });
    self.plan = [10];
    await open(store, self, 200);
    self.plan = [100, 100];
    const controller = new AbortController();
    const opening = store
      .open(digest, { signal: controller.signal })
      .catch((error: unknown) => error);
    self.clock.after(50, () => controller.abort());
    await self.settle();
    expect(await opening).toMatchObject({ code: "ABORTED" });
    expect([self.asked, self.aborted]).toEqual([202, 2]);
    expect(self.disposed).toBe(202);
    await expect(store.open(digest, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});
