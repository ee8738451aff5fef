import { describe, expect, it } from "vitest";
import {
  calm,
  drainTurns,
  priorityPolicy,
  scheduledBucket,
  scheduler,
  seededPolicy,
  seededRandom,
  seededStorm,
  seededWeather,
  starvePolicy,
  uniformPolicy,
  watchedBucket,
  type Fate,
  type ScheduledBucket,
  type Scheduler,
} from "@bitstore/conformance";
import { isStoreError, memoryBucket, sleep, StoreError } from "@bitstore/core";

// The simulator itself: that a seed gives one run, time is virtual, what hangs is told, and each fate
// of a request comes to pass as it says.

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** Lets three lanes take five steps each; the order in which they came. */
async function race(sim: Scheduler): Promise<string> {
  const order: string[] = [];
  for (const lane of ["a", "b", "c"]) {
    sim.spawn(lane, async () => {
      for (let count = 0; count < 5; count += 1) {
        await sim.point(lane, `${count}`);
        order.push(lane);
      }
    });
  }
  const { ended } = await sim.run();
  expect(ended).toBe("done");
  return order.join("");
}

describe("a source of chance", () => {
  it("gives the same for a seed, another for the next, and its forks don't touch it", () => {
    const draw = (seed: number, isForked: boolean): number[] => {
      const random = seededRandom(seed);
      if (isForked) random.fork("x").next();
      return Array.from({ length: 20 }, () => random.below(1000));
    };
    expect(draw(7, false)).toEqual(draw(7, true));
    expect(draw(7, false)).not.toEqual(draw(8, false));
    const { fork } = seededRandom(7);
    expect(fork("x").next()).not.toBe(fork("y").next());
    expect(fork("x").next()).toBe(seededRandom(7).fork("x").next());
  });

  it("spreads evenly", () => {
    const random = seededRandom(1);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 10_000; draw += 1) {
      const at = random.below(10);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe("a scheduler", () => {
  it("gives one order for a seed, and many for many", async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 50; seed += 1) {
      const order = await race(scheduler(seed));
      expect(await race(scheduler(seed))).toBe(order);
      orders.add(order);
    }
    expect(orders.size).toBeGreaterThan(25);
  });

  it("runs a lane far ahead by priority, and starves one", async () => {
    const random = seededRandom(3);
    const ahead = await race(scheduler(3, { policy: priorityPolicy(random, 0, 10) }));
    expect(ahead).toMatch(/^(aaaaa|bbbbb|ccccc)(aaaaa|bbbbb|ccccc)(aaaaa|bbbbb|ccccc)$/);
    const last = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const policy = starvePolicy(seededRandom(seed), 1000);
      const order = await race(scheduler(seed, { policy }));
      if (/(.)\1{4}$/.test(order)) last.add(order.slice(-1));
    }
    expect(last.size).toBe(3);
  });

  it("draws every kind of policy", () => {
    const names = new Set<string>();
    for (let seed = 0; seed < 200; seed += 1) {
      names.add(seededPolicy(seededRandom(seed)).name.replace(/\d+/, "n"));
    }
    expect([...names].sort()).toEqual([
      "one lane starves for n steps",
      "priorities with n changes",
      "steady",
      "uniform",
    ]);
  });

  it("lets time go on where nothing else can, by each party's own clock", async () => {
    const sim = scheduler(1, { policy: uniformPolicy(seededRandom(1), 0), stepMs: 1 });
    const fast = sim.clock("fast", { offsetMs: 3_600_000, rate: 2 });
    const told: string[] = [];
    sim.spawn("fast", async () => {
      const startMs = fast.now();
      expect(startMs).toBe(3_600_000);
      await sleep(fast, 1000);
      expect(fast.now() - startMs).toBe(1000);
      told.push(`fast at ${sim.timeMs}`);
    });
    sim.spawn("true", async () => {
      await sleep(sim.clock("true"), 700);
      told.push(`true at ${sim.timeMs}`);
    });
    const { ended, timeMs } = await sim.run();
    expect({ ended, timeMs }).toEqual({ ended: "done", timeMs: 700 });
    expect(told).toEqual(["fast at 500", "true at 700"]);
  });

  it("does not call back what was cancelled", async () => {
    const sim = scheduler(1);
    const cancel = sim.clock("a").after(100, () => expect.unreachable());
    sim.spawn("a", async () => {
      await sim.point("a", "cancels");
      cancel();
    });
    const { ended, timeMs } = await sim.run();
    expect(ended).toBe("done");
    expect(timeMs).toBeLessThan(100);
  });

  it("tells of what hangs, runs in circles and throws", async () => {
    const hanging = scheduler(1);
    hanging.spawn("stuck", () => new Promise(() => undefined));
    hanging.spawn("fine", () => Promise.resolve());
    expect(await hanging.run()).toMatchObject({ ended: "deadlock", unfinished: ["stuck"] });

    const circling = scheduler(1, { stepsMax: 100 });
    circling.spawn("circle", async () => {
      for (;;) await circling.point("circle", "again");
    });
    const { ended, steps } = await circling.run();
    expect({ ended, steps }).toEqual({ ended: "step limit", steps: 100 });

    const failing = scheduler(1);
    const error = new Error("on purpose");
    failing.spawn("fails", () => Promise.reject(error));
    expect((await failing.run()).failures).toEqual([{ task: "fails", error }]);
  });

  it("takes turns of the event loop for code that waits for it", async () => {
    const sim = scheduler(1, { drain: drainTurns });
    let turned = false;
    sim.spawn("a", async () => {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      turned = true;
      await sim.point("a", "after");
    });
    expect((await sim.run()).ended).toBe("done");
    expect(turned).toBe(true);
  });

  it("keeps a trace where it is asked to", async () => {
    const sim = scheduler(1, { isTraced: true });
    await race(sim);
    expect(sim.trace.lines()).toHaveLength(18);
    expect(sim.trace.lines()[0]).toMatch(/^ {4}1 +\d+ ms {2}[abc]: start$/);
    const silent = scheduler(1);
    await race(silent);
    expect(silent.trace.lines()).toEqual([]);
  });
});

interface Played {
  readonly answer: unknown;
  readonly code: string | undefined;
  /** When the answer came, and the effects. */
  readonly atMs: number;
  readonly effectsMs: readonly number[];
  readonly bucket: ScheduledBucket;
}

/** Asks one thing of a bucket in which requests of that operation meet a fate. */
async function play(
  fate: Fate,
  ask: (bucket: ScheduledBucket, sim: Scheduler) => Promise<unknown>,
): Promise<Played> {
  const policy = uniformPolicy(seededRandom(1), 0);
  const sim = scheduler(1, { policy, stepMs: 1 });
  const inner = watchedBucket(memoryBucket(), sim);
  const bucket = scheduledBucket(inner, { scheduler: sim, lane: "a", weather: () => fate });
  let answer: unknown;
  let atMs = Number.NaN;
  let code: string | undefined;
  sim.spawn("a", async () => {
    try {
      answer = await ask(bucket, sim);
    } catch (error) {
      code = isStoreError(error) ? error.code : String(error);
    }
    atMs = sim.timeMs;
  });
  await sim.run();
  return { answer, code, atMs, effectsMs: inner.effects.map(({ timeMs }) => timeMs), bucket };
}

const create = (bucket: ScheduledBucket): Promise<unknown> =>
  bucket.put("k", text("v"), { ifAbsent: true });

describe("a request", () => {
  it("passes in fair weather, and is counted", async () => {
    const { answer, effectsMs, bucket } = await play({}, async (its) => {
      await create(its);
      const content = await its.read("k");
      return new TextDecoder().decode(await content?.bytes());
    });
    expect(answer).toBe("v");
    expect(effectsMs).toHaveLength(1);
    expect(bucket.requests).toMatchObject({ put: 1, read: 1, list: 0 });
  });

  const lost = { code: "TIMEOUT" } as const;
  const fates: Readonly<Record<string, readonly [Fate, Partial<Played>]>> = {
    "whose answer is lost took effect": [
      { failure: lost, backMs: 5 },
      { code: "TIMEOUT", atMs: 5, effectsMs: [0] },
    ],
    "that is lost did not": [
      { failure: lost, effects: 0 },
      { code: "TIMEOUT", effectsMs: [] },
    ],
    "that is late takes effect after its answer": [
      { failure: lost, isEarly: true, backMs: 5, thereMs: 900 },
      { code: "TIMEOUT", atMs: 5, effectsMs: [900] },
    ],
    "that is doubled may say that it met itself": [
      { effects: 2, answer: "second" },
      { answer: "existed", effectsMs: [0] },
    ],
    "that is doubled may say the first": [{ effects: 2 }, { answer: "created" }],
    "that is slow takes its time": [
      { thereMs: 30, backMs: 40 },
      { answer: "created", atMs: 70, effectsMs: [30] },
    ],
  };
  for (const [name, [fate, expected]] of Object.entries(fates)) {
    it(name, async () => {
      expect(await play(fate, create)).toMatchObject(expected);
    });
  }

  it("that is never answered holds its caller until it aborts, and goes on", async () => {
    const { code, atMs, effectsMs } = await play(
      { isSilent: true, thereMs: 100 },
      async (bucket, sim) => {
        const controller = new AbortController();
        sim.clock("a").after(50, () => controller.abort());
        return await bucket.put("k", text("v"), { signal: controller.signal });
      },
    );
    expect({ code, atMs, effectsMs }).toEqual({ code: "ABORTED", atMs: 50, effectsMs: [100] });
  });

  it("that may be stopped is stopped by an abort", async () => {
    const { code, effectsMs } = await play(
      { thereMs: 100, stopsOnAbort: true },
      async (bucket, sim) => {
        const controller = new AbortController();
        sim.clock("a").after(50, () => controller.abort());
        return await bucket.put("k", text("v"), { signal: controller.signal });
      },
    );
    expect({ code, effectsMs }).toEqual({ code: "ABORTED", effectsMs: [] });
  });

  it("gives half of the bytes where they break off, and a bucket's own errors as they are", async () => {
    const broken = await play({ breaksOff: true }, async (bucket) => {
      await bucket.put("k", text("1234"));
      const content = await bucket.read("k");
      let size = 0;
      const read = async (): Promise<void> => {
        for await (const chunk of content?.body ?? []) size += chunk.byteLength;
      };
      await expect(read()).rejects.toThrow(StoreError);
      return size;
    });
    expect(broken.answer).toBe(2);
    const refused = await play({}, (bucket) => bucket.put("k", text("v"), { ifVersion: "v9" }));
    expect(refused.code).toBe("PRECONDITION_FAILED");
  });
});

describe("a list", () => {
  it("comes page by page, each of them one request, and sees what came between", async () => {
    const sim = scheduler(1);
    const inner = memoryBucket();
    for (const key of ["a", "b", "c", "e/1", "e/2"]) await inner.put(key, text("v"));
    const weather = seededWeather(sim.random, { storm: calm, stormEndMs: 0 });
    const options = { scheduler: sim, lane: "a", weather, pageItems: 2 };
    const bucket = scheduledBucket(inner, options);
    const keys: string[] = [];
    const folders: string[] = [];
    sim.spawn("a", async () => {
      for await (const { key } of bucket.list("")) {
        if (key === "b") await inner.put("d", text("v"));
        keys.push(key);
      }
      for await (const folder of bucket.listPrefixes("", { limit: 1 })) folders.push(folder);
    });
    await sim.run();
    expect(keys).toEqual(["a", "b", "c", "d", "e/1", "e/2"]);
    expect(folders).toEqual(["e/"]);
    expect(bucket.requests).toMatchObject({ list: 3, listPrefixes: 1 });
  });
});

it("a service's clock is known from its first answer on, as this caller sees it", async () => {
  const sim = scheduler(1);
  const inner = memoryBucket("memory:", () => new Date(10_000));
  const weather = (): Fate => ({});
  const options = { scheduler: sim, lane: "a", weather, serviceSkewMs: 500 };
  const bucket = scheduledBucket(inner, options);
  expect(bucket.serviceTime()).toBeUndefined();
  sim.spawn("a", async () => {
    await bucket.head("k");
  });
  await sim.run();
  expect(bucket.serviceTime()).toEqual(new Date(10_500));
});

describe("a watched bucket", () => {
  it("notes what happened, and not what did not", async () => {
    const instant = { step: 4, timeMs: 9 };
    const bucket = watchedBucket(memoryBucket(), instant);
    await bucket.put("k", text("1"), { ifAbsent: true });
    await bucket.put("k", text("2"), { ifAbsent: true });
    await bucket.put("k", text("3"));
    await bucket.delete("k");
    await bucket.delete("k");
    const shown = bucket.effects.map(
      ({ kind, bytes }) => `${kind} ${Buffer.from(bytes).toString()}`,
    );
    expect(shown).toEqual(["created 1", "replaced 3", "deleted "]);
    expect(bucket.effects[0]).toMatchObject({ key: "k", step: 4, timeMs: 9 });
  });
});

describe("weather", () => {
  it("storms until it is over, and breaks down for good where it is told to", () => {
    const storm = { ...calm, lostCall: 1 };
    const random = seededRandom(5);
    const weather = seededWeather(random, { storm, stormEndMs: 100, outageFromMs: 200 });
    const at = (timeMs: number): Fate =>
      weather({ operation: "put", subject: "k", isConditional: true, timeMs });
    expect(at(50)).toMatchObject({ effects: 0, failure: { code: expect.any(String) } });
    expect(at(150).failure).toBeUndefined();
    const { failure, isSilent } = at(250);
    expect(failure !== undefined || isSilent).toBe(true);
  });

  it("draws storms of every kind, and calm ones", () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 300; seed += 1) {
      const storm = seededStorm(seededRandom(seed));
      const sum = Object.values(storm).reduce((total, each) => total + each, 0);
      expect(sum).toBeLessThanOrEqual(0.61);
      if (sum === 0) kinds.add("calm");
      for (const [kind, chance] of Object.entries(storm)) if (chance > 0) kinds.add(kind);
    }
    expect([...kinds].sort()).toEqual(["calm", ...Object.keys(calm)].sort());
  });
});
