import {
  type BlobSource,
  bucketStore,
  contentOfBytes,
  type Digest,
  memoryBucket,
  shardedLayout,
  StoreError,
} from "@bitstore/core";
import { faultySource, type FaultySource, inTurn, noFaults } from "@bitstore/conformance";
import { describe, expect, test } from "vitest";
import {
  probeSource,
  type ProbeResult,
  type ProbeSourceOptions,
  sourceProbeNames,
} from "../src/index.ts";
import { hurried } from "./probe-support.ts";

// The probes of a source that is no bucket run over stores in memory, right ones and ones that lie
// about one thing, and what they ask is counted.

const bytes = new Uint8Array(100).map((_, at) => at);
const price = { perRequest: 0.01, currency: "USD" };

interface Setup {
  readonly source: FaultySource;
  readonly known: Digest;
}

async function setup(
  change: (inner: BlobSource) => Partial<BlobSource> = () => ({}),
): Promise<Setup> {
  const store = bucketStore(memoryBucket(), shardedLayout(""), { name: "api" });
  const { digest: known } = await store.put(bytes);
  return { source: faultySource({ ...store, ...change(store) }, noFaults), known };
}

async function probed(
  source: BlobSource,
  options: ProbeSourceOptions = {},
): Promise<ReadonlyMap<string, ProbeResult>> {
  const results = new Map<string, ProbeResult>();
  for await (const result of probeSource(source, { clock: hurried, ...options })) {
    results.set(result.name, result);
  }
  return results;
}

function outcomes(results: ReadonlyMap<string, ProbeResult>): Record<string, string> {
  return Object.fromEntries([...results.values()].map(({ name, outcome }) => [name, outcome]));
}

describe("a source that is right", () => {
  test("all holds, for two requests", async () => {
    // An absent blob and a range of a known one are asked for, and no read is left open.
    const { source, known } = await setup();
    const results = await probed(source, { known });
    expect(outcomes(results)).toEqual({
      price: "yes",
      reachable: "yes",
      stat: "yes",
      ranges: "yes",
    });
    expect([...results.keys()]).toEqual(sourceProbeNames);
    expect(source.ledger.calls()).toBe(2);
    expect(source.ledger.openReads).toBe(0);
  });

  test("without a known blob there is one request, and no word about ranges", async () => {
    // Ranges of an absent blob show nothing.
    const { source } = await setup();
    expect(outcomes(await probed(source))["ranges"]).toBe("skipped");
    expect(source.ledger.calls()).toBe(1);
  });

  test("one that costs money is not asked, unless that is forced", async () => {
    // The price is told either way, and nothing is read of one that is not asked.
    const { source, known } = await setup();
    const spared = await probed(source, { known, price });
    expect(outcomes(spared)).toEqual({
      price: "no",
      reachable: "skipped",
      stat: "yes",
      ranges: "skipped",
    });
    expect(spared.get("price")?.detail).toContain("0.01 USD");
    expect(source.ledger.calls()).toBe(0);
    const forced = await probed(source, { known, price, force: true });
    expect(outcomes(forced)).toMatchObject({ reachable: "yes", ranges: "yes" });
    expect(source.ledger.calls()).toBe(2);
  });
});

describe("a source that breaks one promise", () => {
  const fail = (code: "UNAUTHENTICATED" | "UNAVAILABLE" | "PERMISSION_DENIED"): StoreError =>
    new StoreError({ code, operation: "open", message: "no" });

  test("one that is down or refuses can't be reached, and is asked once", async () => {
    // Each failure is told with its code.
    for (const code of ["UNAUTHENTICATED", "UNAVAILABLE", "PERMISSION_DENIED"] as const) {
      const { source: inner, known } = await setup();
      const source = faultySource(inner, inTurn({ open: { fail: fail(code) } }));
      const results = await probed(source, { known });
      expect(results.get("reachable")).toMatchObject({ outcome: "no", code });
      expect(results.get("ranges")?.outcome).toBe("skipped");
      expect(source.ledger.calls()).toBe(1);
    }
  });

  test("a server of which a tier is down answers all the same", async () => {
    const told = { tier: "far", outcome: "failed", elapsedMs: 1, bytes: 0 } as const;
    const options = { code: "UNAVAILABLE", operation: "open", attempts: [told] } as const;
    const error = new StoreError({ ...options, message: "far failed" });
    const { source, known } = await setup((inner) => ({
      open: (digest, call) => (digest === known ? inner.open(digest, call) : Promise.reject(error)),
    }));
    const results = await probed(source, { known });
    expect(results.get("reachable")).toMatchObject({ outcome: "no", code: "UNAVAILABLE" });
    expect(results.get("reachable")?.meaning).toContain("can be fetched");
    expect(results.get("ranges")?.outcome).toBe("yes");
  });

  test("one that has a page for every address is no source", async () => {
    // It answers 200 for a digest that nothing has; the read is disposed.
    const page = contentOfBytes({ size: 100, source: "api" }, bytes);
    const { source } = await setup(() => ({ open: () => Promise.resolve(page) }));
    const results = await probed(source);
    expect(results.get("reachable")?.outcome).toBe("no");
    expect(results.get("reachable")?.meaning).toContain("address");
    expect(source.ledger.openReads).toBe(0);
  });

  test("one that can't stat says so", async () => {
    // It is told by the capability alone.
    const { source } = await setup((inner) => ({
      capabilities: { ...inner.capabilities, stat: false },
    }));
    expect((await probed(source)).get("stat")?.outcome).toBe("no");
  });

  test("ranges that are not what was asked", async () => {
    // The whole in its place, the whole under its name, an error, fewer bytes, and no capability.
    const whole = await setup((inner) => ({
      open: (digest, call) => inner.open(digest, { ...call, range: undefined }),
    }));
    const inner = (await setup()).source;
    const posing = faultySource(inner, () => ({ ignoreRange: "claims the range" }));
    const short = faultySource(inner, () => ({ body: { atByte: 5, effect: "end" } }));
    const { known } = whole;
    const failing = faultySource(inner, ({ subject }) =>
      subject === known ? { fail: fail("UNAVAILABLE") } : undefined,
    );
    const unable = { ...inner, capabilities: { ...inner.capabilities, rangeRead: false } };
    for (const source of [whole.source, posing, short, failing, unable]) {
      const results = await probed(source, { known });
      expect(results.get("ranges")?.outcome).toBe("no");
      expect(results.get("ranges")?.meaning).toMatch(/\.$/);
    }
  });

  test("a known blob that is absent proves nothing of ranges", async () => {
    // It was named by mistake, or the source has lost it.
    const { source } = await setup(() => ({ open: () => Promise.resolve(undefined) }));
    const { known } = await setup();
    expect((await probed(source, { known })).get("ranges")?.outcome).toBe("unknown");
  });
});

test("a source that never answers ends by the limit; an abort ends the run", async () => {
  // The source heeds no signal.
  const never = new Promise<undefined>(() => undefined);
  const { source } = await setup(() => ({ open: () => never }));
  const results = await probed(source, { probeMs: 1000 });
  expect(results.get("reachable")?.outcome).not.toBe("yes");
  const signal = AbortSignal.abort();
  await expect(probed(source, { signal })).rejects.toMatchObject({ code: "ABORTED" });
});
