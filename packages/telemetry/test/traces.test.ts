import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import {
  bucketStore,
  composite,
  defineTier,
  memoryBucket,
  memoryCache,
  shardedLayout,
} from "@bitstore/core";
import { expect, test } from "vitest";
import { startTracing, type Tracing } from "../src/index.ts";
import { notInstalled } from "../src/traces/load-sdk.ts";
import { readTraceparent } from "../src/traces/traceparent.ts";

// Spans are sent to a real receiver of OTLP over HTTP, which is a server of ours, and looked at there:
// a request and the tiers that it asked are one trace, which goes on the caller's.

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number };
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly spans: SentSpan[];
  readonly headers: string[];
  readonly resources: string[];
}

async function receiver(): Promise<Receiver> {
  const spans: SentSpan[] = [];
  const headers: string[] = [];
  const resources: string[] = [];
  const receive: (...call: Parameters<RequestListener>) => Promise<void> = async (
    request,
    response,
  ) => {
    headers.push(String(request.headers["x-key"]));
    const sent = (await json(request)) as Sent;
    for (const { resource, scopeSpans } of sent.resourceSpans) {
      resources.push(
        ...resource.attributes.map(({ key, value }) => `${key}=${String(value["stringValue"])}`),
      );
      for (const scope of scopeSpans) spans.push(...scope.spans);
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  };
  const server = createServer((request, response) => void receive(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    headers,
    resources,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function attributesOf(span: SentSpan): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  );
}

function named(spans: readonly SentSpan[], name: string): SentSpan {
  return spans.find((span) => span.name === name) ?? expect.fail(`no span ${name}`);
}

const caller = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

test("a request and the tiers that it asked are one trace, which goes on the caller's", async () => {
  await using otlp = await receiver();
  await using store = composite({
    tiers: [
      defineTier({
        name: "near",
        source: memoryCache({ bytesMax: 1e6, name: "near" }),
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
  const { digest } = await store.put(Buffer.from("traced"));
  const config = { url: otlp.url, headers: { "x-key": "key" }, serviceName: "test-service" };
  await using tracing = await startTracing(config);
  const request = { method: "GET", requestId: "r-1" };
  const traceparent = `00-${caller.traceId}-${caller.spanId}-01`;
  const carried = await tracing.request({ ...request, traceparent }, async (end) => {
    await (await store.open(digest))?.bytes();
    const headers = tracing.headers();
    end({ route: "/v1/blobs/{digest}", status: 200 });
    return headers;
  });
  // What is read outside of a request is no one's child.
  await (await store.open(digest))?.bytes();
  expect(tracing.headers()).toEqual({});
  await tracing.flush();

  expect(otlp.headers).toContain("key");
  expect(otlp.resources).toContain("service.name=test-service");
  expect(otlp.spans.map(({ name }) => name).toSorted()).toEqual([
    "GET /v1/blobs/{digest}",
    "open far",
    "open near",
  ]);
  const served = named(otlp.spans, "GET /v1/blobs/{digest}");
  expect(served).toMatchObject({ traceId: caller.traceId, parentSpanId: caller.spanId, kind: 2 });
  expect(attributesOf(served)).toMatchObject({
    "http.request.method": "GET",
    "http.route": "/v1/blobs/{digest}",
    "bitstore.request_id": "r-1",
  });
  expect(carried).toEqual({ traceparent: `00-${caller.traceId}-${served.spanId}-01` });
  for (const [name, outcome] of [
    ["open near", "miss"],
    ["open far", "hit"],
  ] as const) {
    const span = named(otlp.spans, name);
    expect(span).toMatchObject({ traceId: caller.traceId, parentSpanId: served.spanId, kind: 3 });
    expect(attributesOf(span)).toMatchObject({
      "bitstore.outcome": outcome,
      "bitstore.digest": digest,
    });
    expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
  }
});

test("requests at a time are apart, and a failure is marked", async () => {
  await using otlp = await receiver();
  await using tracing = await startTracing({ url: otlp.url });
  const failed = new Error("its own");
  const run = async (n: number): Promise<string | undefined> =>
    tracing.request({ method: "GET", requestId: `r-${n}` }, async (end) => {
      await new Promise((resolve) => setImmediate(resolve));
      end({ route: `/${n}`, status: n === 2 ? 503 : 404, code: "UNAVAILABLE" });
      if (n === 3) throw failed;
      return tracing.headers()["traceparent"];
    });
  const results = await Promise.allSettled([1, 2, 3].map(run));
  expect(results[2]).toEqual({ status: "rejected", reason: failed });
  await tracing.flush();
  expect(new Set(otlp.spans.map(({ traceId }) => traceId)).size).toBe(3);
  expect(named(otlp.spans, "GET /1").status.code ?? 0).toBe(0);
  expect(named(otlp.spans, "GET /2").status.code).toBe(2);
  expect(named(otlp.spans, "GET /3").status.code).toBe(2);
  expect(results[0]).toMatchObject({
    value: `00-${named(otlp.spans, "GET /1").traceId}-${named(otlp.spans, "GET /1").spanId}-01`,
  });
});

test("a share of the traces is kept, and what a caller chose is followed", async () => {
  await using otlp = await receiver();
  await using tracing = await startTracing({ url: otlp.url, ratio: 0 });
  const run = (traceparent?: string): Promise<void> =>
    tracing.request({ method: "GET", requestId: "r", traceparent }, async () => undefined);
  await run();
  await run(`00-${caller.traceId}-${caller.spanId}-00`);
  await run(`00-${caller.traceId}-${caller.spanId}-01`);
  await tracing.flush();
  expect(otlp.spans).toHaveLength(1);
});

test("a receiver that is away breaks nothing", async () => {
  const otlp = await receiver();
  const { url } = otlp;
  await otlp[Symbol.asyncDispose]();
  const tracing: Tracing = await startTracing({ url });
  const value = await tracing.request({ method: "GET", requestId: "r" }, async () => "served");
  expect(value).toBe("served");
});

test("a traceparent that is malformed begins a new trace", () => {
  const { traceId, spanId } = caller;
  expect(readTraceparent(`00-${traceId}-${spanId}-01`, "a=b")).toMatchObject({
    traceId,
    spanId,
    traceFlags: 1,
    isRemote: true,
  });
  // Fields that a later version has are left alone.
  expect(readTraceparent(`cc-${traceId}-${spanId}-01-more`, undefined)?.spanId).toBe(spanId);
  const wrong = [
    undefined,
    "",
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
  ];
  for (const each of wrong) expect(readTraceparent(each, undefined), each).toBeUndefined();
});

test("an SDK that is not installed is CONFIG_INVALID, with what to install", async () => {
  const missing = Object.assign(new Error("no such package"), { code: "ERR_MODULE_NOT_FOUND" });
  const starting = startTracing({ url: "http://127.0.0.1:4318" }, () =>
    Promise.reject(notInstalled(missing)),
  );
  await expect(starting).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  await expect(starting).rejects.toThrow("npm install");
  expect(notInstalled(new TypeError("bug"))).toBeInstanceOf(TypeError);
});
