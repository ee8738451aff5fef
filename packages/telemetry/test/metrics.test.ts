import { channel, hasSubscribers } from "node:diagnostics_channel";
import {
  bucketStore,
  composite,
  defineTier,
  digestOf,
  memoryBucket,
  memoryCache,
  shardedLayout,
  type TierHealth,
} from "@bitstore/core";
import { expect, test } from "vitest";
import { createMetrics, type Metrics } from "../src/index.ts";

// A scrape is parsed as Prometheus does it, line by line, after real reads of a real composite and
// after events as core publishes them. Labels stay few, whatever callers send.

/** One sample of a scrape: its name with its labels, sorted, and its value. */
async function samplesOf(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const { body, contentType } = await metrics.scrape();
  expect(contentType).toContain("text/plain");
  const samples = new Map<string, number>();
  for (const line of body.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const match = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (match === null) throw new Error(`no sample: ${line}`);
    const [, name = "", labels = "", value = ""] = match;
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([pair]) => pair);
    samples.set(`${name}{${pairs.toSorted().join(",")}}`, Number(value));
  }
  return samples;
}

test("reads and fills of a composite are counted by tier", async () => {
  using metrics = createMetrics({ process: false });
  await using store = composite({
    tiers: [
      defineTier({
        name: "near",
        source: memoryCache({ bytesMax: 1_000_000, name: "near" }),
        role: "cache",
      }),
      defineTier({
        name: "far",
        source: bucketStore(memoryBucket(), shardedLayout("")),
        origin: true,
        fill: ["near"],
      }),
    ],
  });
  const bytes = Buffer.alloc(1000, "x");
  const { digest } = await store.put(bytes);
  const read = async (): Promise<unknown> => (await store.open(digest))?.bytes();
  await read();
  await store.drain();
  await read();
  await store.open(await digestOf(Buffer.from("absent"), "sha256"));
  const samples = await samplesOf(metrics);
  const attempts = (tier: string, outcome: string): number =>
    samples.get(
      `bitstore_tier_attempts_total{operation="open",outcome="${outcome}",tier="${tier}"}`,
    ) ?? 0;
  expect(attempts("near", "miss")).toBe(2);
  expect(attempts("far", "hit")).toBe(1);
  expect(attempts("near", "hit")).toBe(1);
  expect(attempts("far", "miss")).toBe(1);
  expect(samples.get('bitstore_fills_total{outcome="filled",tier="near"}')).toBe(1);
  expect(samples.get('bitstore_fill_bytes_total{tier="near"}')).toBe(1000);
  expect(samples.get('bitstore_tier_seconds_count{operation="open",tier="far"}')).toBe(2);
});

test("streamed bytes are counted by the tier that gave them, when the stream is over", async () => {
  using metrics = createMetrics({ process: false });
  const far = bucketStore(memoryBucket(), shardedLayout(""));
  await using store = composite({
    tiers: [defineTier({ name: "far", source: far, origin: true })],
  });
  const size = 20 * 2 ** 20;
  const { digest } = await store.put(Buffer.alloc(size, "x"));
  const counted = async (): Promise<number | undefined> =>
    (await samplesOf(metrics)).get('bitstore_tier_bytes_total{tier="far"}');
  let read = 0;
  for await (const chunk of (await store.open(digest))?.body ?? []) read += chunk.byteLength;
  expect(read).toBe(size);
  expect(await counted()).toBe(size);
  const range = { start: 100, end: 5_000_100 };
  await (await store.open(digest, { range }))?.bytes();
  expect(await counted()).toBe(size + 5_000_000);
  // What is left in the middle counts as far as it came.
  const left = await store.open(digest, { range });
  for await (const chunk of left?.body ?? []) {
    read = chunk.byteLength;
    break;
  }
  await left?.[Symbol.asyncDispose]();
  expect(await counted()).toBeGreaterThanOrEqual(size + 5_000_000 + read);
  expect(await counted()).toBeLessThanOrEqual(size + 10_000_000);
});

test("a range that lies outside is no failure of the tier", async () => {
  using metrics = createMetrics({ process: false });
  const far = bucketStore(memoryBucket(), shardedLayout(""));
  await using store = composite({
    tiers: [defineTier({ name: "far", source: far, origin: true })],
  });
  const { digest } = await store.put(Buffer.from("hello"));
  const outside = store.open(digest, { range: { start: 9, end: undefined } });
  await expect(outside).rejects.toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
  const samples = [...(await samplesOf(metrics)).keys()];
  expect(samples.filter((key) => key.startsWith("bitstore_tier_errors_total{"))).toEqual([]);
  expect(samples).toContain(
    'bitstore_tier_attempts_total{operation="open",outcome="out-of-range",tier="far"}',
  );
});

test("alarms, breakers, retries and failures are counted", async () => {
  using metrics = createMetrics({ process: false });
  const error = { code: "UNAVAILABLE" };
  channel("bitstore:alarm").publish({ kind: "corrupt-copy", subject: "x", source: "s", error });
  channel("bitstore:retry").publish({ source: "s3://b", outcome: "gave-up", error });
  const attempt = { tier: "t", outcome: "failed", elapsedMs: 1, bytes: 0, error };
  channel("bitstore:attempt").publish({ operation: "open", attempt });
  channel("bitstore:breaker").publish({ source: "s3://b", state: "open" });
  channel("bitstore:breaker").publish({ source: "s3://b", state: "half-open" });
  const samples = await samplesOf(metrics);
  expect(samples.get('bitstore_alarms_total{kind="corrupt-copy"}')).toBe(1);
  expect(samples.get('bitstore_retries_total{outcome="gave-up",source="s3://b"}')).toBe(1);
  expect(samples.get('bitstore_tier_errors_total{code="UNAVAILABLE",tier="t"}')).toBe(1);
  const state = (name: string): number | undefined =>
    samples.get(`bitstore_breaker_state{source="s3://b",state="${name}"}`);
  expect([state("closed"), state("half-open"), state("open")]).toEqual([0, 1, 0]);
});

test("requests are counted by their route, and no caller makes a label", async () => {
  using metrics = createMetrics({ process: false });
  const request = { requestId: "1", method: "GET", status: 200, elapsedMs: 5 };
  metrics.request({ ...request, route: "/v1/blobs/{digest}", bytesOut: 100, bytesIn: 7 });
  metrics.request({ ...request, route: "/v1/blobs/{digest}", status: 503, code: "UNAVAILABLE" });
  metrics.request({ ...request, route: undefined, method: "BREW", status: 404 });
  const samples = await samplesOf(metrics);
  const labels = 'method="GET",route="/v1/blobs/{digest}"';
  expect(samples.get(`bitstore_http_requests_total{${labels},status="200"}`)).toBe(1);
  expect(samples.get(`bitstore_http_seconds_count{${labels}}`)).toBe(2);
  expect(samples.get(`bitstore_http_seconds_sum{${labels}}`)).toBeCloseTo(0.01);
  expect(samples.get('bitstore_errors_total{code="UNAVAILABLE"}')).toBe(1);
  expect(samples.get('bitstore_http_bytes_total{direction="out"}')).toBe(100);
  expect(samples.get('bitstore_http_bytes_total{direction="in"}')).toBe(7);
  const none = 'bitstore_http_requests_total{method="other",route="none",status="404"}';
  expect(samples.get(none)).toBe(1);
  for (let n = 0; n < 1000; n += 1) {
    metrics.request({ ...request, route: `/v1/${n}` });
    const attempt = { tier: `tier ${n}`, outcome: "hit", elapsedMs: 1, bytes: 1 };
    channel("bitstore:attempt").publish({ operation: "open", attempt });
  }
  const many = await samplesOf(metrics);
  const routes = [...many.keys()].filter((key) => key.startsWith("bitstore_http_requests_total"));
  const tiers = [...many.keys()].filter((key) => key.startsWith("bitstore_tier_bytes_total"));
  expect(routes.length).toBeLessThanOrEqual(203);
  expect(tiers).toHaveLength(201);
  expect(many.get('bitstore_tier_bytes_total{tier="other"}')).toBe(800);
});

test("tiers and queues are asked at each scrape, until they are taken back", async () => {
  using metrics = createMetrics({ process: false });
  let waiting = 3;
  const health = (): readonly TierHealth[] => [
    {
      tier: "cloud",
      source: "s3://b",
      role: "source",
      origin: true,
      recent: { inFlight: 2, requests: 9, failures: 1, refusals: 0, p95Ms: undefined },
      breaker: { state: "open", requests: 9, failures: 9, retryAfterMs: 5 },
      limit: undefined,
      retries: undefined,
      hedges: undefined,
    },
  ];
  metrics.watchTiers(health);
  const end = metrics.watchQueue("uploads", () => waiting);
  const first = await samplesOf(metrics);
  expect(first.get('bitstore_tier_in_flight{tier="cloud"}')).toBe(2);
  expect(first.get('bitstore_tier_breaker_open{tier="cloud"}')).toBe(1);
  expect(first.get('bitstore_tier_recent_requests{kind="failed",tier="cloud"}')).toBe(1);
  expect(first.get('bitstore_queue_depth{queue="uploads"}')).toBe(3);
  waiting = 4;
  expect((await samplesOf(metrics)).get('bitstore_queue_depth{queue="uploads"}')).toBe(4);
  end();
  expect((await samplesOf(metrics)).has('bitstore_queue_depth{queue="uploads"}')).toBe(false);
});

test("two sets of metrics are apart, and nobody listens once they are disposed", async () => {
  const one = createMetrics();
  const two = createMetrics({ process: false });
  one.request({ requestId: "1", method: "GET", route: "/x", status: 200, elapsedMs: 1 });
  const request = 'bitstore_http_requests_total{method="GET",route="/x",status="200"}';
  expect((await samplesOf(one)).get(request)).toBe(1);
  expect((await samplesOf(two)).has(request)).toBe(false);
  expect((await one.scrape()).body).toContain("process_resident_memory_bytes");
  expect((await two.scrape()).body).not.toContain("process_");
  for (const name of ["attempt", "fill", "alarm", "breaker", "retry"]) {
    expect(hasSubscribers(`bitstore:${name}`), name).toBe(true);
  }
  one[Symbol.dispose]();
  two[Symbol.dispose]();
  for (const name of ["attempt", "fill", "alarm", "breaker", "retry"]) {
    expect(hasSubscribers(`bitstore:${name}`), name).toBe(false);
  }
});

test("what was counted is told at each scrape once, by its own values", async () => {
  using metrics = createMetrics({ process: false });
  const requestOf = (route: string, status: number): void =>
    metrics.request({ requestId: "r", method: "GET", route, status, elapsedMs: 1, bytesOut: 10 });
  const total = async (route: string, status: number): Promise<number | undefined> =>
    (await samplesOf(metrics)).get(
      `bitstore_http_requests_total{method="GET",route="${route}",status="${status}"}`,
    );
  requestOf("/one", 200);
  requestOf("/one", 200);
  requestOf("/one", 404);
  requestOf("/two", 200);
  expect(await total("/one", 200)).toBe(2);
  expect(await total("/one", 200)).toBe(2);
  requestOf("/one", 200);
  expect(await total("/one", 200)).toBe(3);
  expect(await total("/one", 404)).toBe(1);
  expect(await total("/two", 200)).toBe(1);
  expect(await total("/two", 404)).toBeUndefined();
  expect((await samplesOf(metrics)).get('bitstore_http_bytes_total{direction="out"}')).toBe(50);
});
