import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BlobStore,
  contentOfStream,
  defineTier,
  memoryCache,
  StoreError,
  type TierHealth,
} from "@bitstore/core";
import { createServer, type RequestRecord } from "@bitstore/server";
import { createLogger, createMetrics } from "@bitstore/telemetry";
import { describe, expect, test } from "vitest";
import { openServer } from "./support/open-server.ts";
import { rawConnection } from "./support/raw-request.ts";

// What it takes to run a server: probes, metrics, logs, the page, and how it ends.

const size = 32 * 2 ** 20;

/** A source whose blob is given slowly: chunk by chunk, as the test lets it. */
function gated(): { readonly source: BlobStore; readonly go: () => void } {
  const inner = memoryCache({ bytesMax: 1, name: "gated" });
  const gate = Promise.withResolvers<void>();
  const source: BlobStore = {
    ...inner,
    open: () =>
      Promise.resolve(
        contentOfStream({ size, source: "gated" }, async function* () {
          const chunk = Buffer.alloc(2 ** 20);
          for (let n = 0; n < 32; n += 1) {
            if (n === 16) await gate.promise;
            yield chunk;
          }
        }),
      ),
  };
  return { source, go: gate.resolve };
}
const zeros = "sha256:83ee47245398adee79bd9c0a8bc57b821e92aba10f5f9ade8a5d1fae4d8c4302";

describe("readiness", () => {
  test("is the origin's and the metadata's, and names the tier that is down", async () => {
    let isDown = false;
    let failures = 8;
    const inner = memoryCache({ bytesMax: 1000, name: "origin" });
    const origin: BlobStore = {
      ...inner,
      stat(digest, call) {
        const error = { code: "UNAVAILABLE", operation: "stat", message: "it is down" } as const;
        return isDown ? Promise.reject(new StoreError(error)) : inner.stat(digest, call);
      },
    };
    const health = (): readonly TierHealth[] => [
      {
        tier: "ours",
        source: "origin",
        role: "source",
        origin: true,
        recent: { inFlight: 0, requests: 9, failures, refusals: 0, p95Ms: undefined },
        breaker: { state: isDown ? "open" : "closed", requests: 9, failures, retryAfterMs: 1 },
        limit: undefined,
        retries: undefined,
        hedges: undefined,
      },
    ];
    await using made = await openServer({ origin });
    const { store } = made;
    const server = createServer({
      open: (namespace) =>
        Promise.resolve({
          namespace,
          store,
          tags: undefined,
          health,
          [Symbol.asyncDispose]: () => Promise.resolve(),
        }),
      limits: { readyMaxAgeMs: -1 },
    });
    const { url } = await server.listen();
    const ready = async (): Promise<unknown> => {
      const response = await fetch(`${url}/readyz`);
      return { http: response.status, ...((await response.json()) as object) };
    };
    expect(await ready()).toMatchObject({
      http: 200,
      status: "ready",
      checks: [{ name: "origin", ok: true }],
      tiers: [{ name: "ours", state: "up" }],
    });
    // It answers the check, but has answered nothing else lately; its breaker waits for more.
    failures = 9;
    expect(await ready()).toMatchObject({ http: 200, tiers: [{ name: "ours", state: "down" }] });
    isDown = true;
    expect(await ready()).toMatchObject({
      http: 503,
      status: "unavailable",
      checks: [{ name: "origin", ok: false, code: "UNAVAILABLE" }],
      tiers: [{ name: "ours", state: "down" }],
    });
    const tiers = await (await fetch(`${url}/v1/tiers`)).json();
    expect(tiers).toMatchObject({
      tiers: [{ name: "ours", health: { breaker: { state: "open" } } }],
    });
    await server.close();
  });

  test("counts a tier that does not answer in time as down", async () => {
    const inner = memoryCache({ bytesMax: 1000, name: "origin" });
    const origin: BlobStore = { ...inner, stat: () => new Promise(() => undefined) };
    await using served = await openServer({ origin, limits: { readyTimeoutMs: 20 } });
    const response = await fetch(`${served.url}/readyz`);
    expect(response.status).toBe(503);
    // This origin has no breaker, which would know by now: the two lists agree all the same.
    expect(await response.json()).toMatchObject({
      checks: [{ code: "TIMEOUT" }, { ok: true }],
      tiers: [{ name: "ours", state: "down" }],
    });
  });
});

test("a range that lies outside is no failure of a tier", async () => {
  await using served = await openServer();
  const put = await fetch(`${served.url}/v1/blobs`, { method: "POST", body: "hello" });
  const { digest } = (await put.json()) as { digest: string };
  const headers = { range: "bytes=9-" };
  expect((await fetch(`${served.url}/v1/blobs/${digest}`, { headers })).status).toBe(416);
  const tiers = await (await fetch(`${served.url}/v1/tiers`)).json();
  expect(tiers).toMatchObject({ tiers: [{ name: "ours", failures: 0 }] });
});

test("each request is counted and logged once, by its route", async () => {
  using metrics = createMetrics({ process: false });
  const lines: string[] = [];
  const records: RequestRecord[] = [];
  const logger = createLogger({ write: (line) => void lines.push(line) });
  await using served = await openServer({
    metrics,
    logger,
    onRequest: (record) => void records.push(record),
  });
  await fetch(`${served.url}/v1/blobs`, { method: "POST", body: "hello" });
  await fetch(`${served.url}/v1/blobs/${zeros}`, { headers: { "x-request-id": "mine-1" } });
  await fetch(`${served.url}/nowhere`);
  const page = await (await fetch(`${served.url}/metrics`)).text();
  expect(page).toContain('route="/v1/blobs/{digest}"');
  expect(records.map(({ route, status }) => [route, status])).toEqual([
    ["/v1/blobs", 201],
    ["/v1/blobs/{digest}", 404],
    [undefined, 404],
    ["/metrics", 200],
  ]);
  expect(lines).toHaveLength(4);
  expect(JSON.parse(lines[1] ?? "")).toMatchObject({ requestId: "mine-1", status: 404 });
});

test("a page is served from its folder, and nothing else of the disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "bitstore-page-"));
  await writeFile(join(folder, "index.html"), "<!doctype html>");
  await writeFile(join(folder, "app.js"), "1");
  await using served = await openServer({ pageFolder: folder });
  await rm(folder, { recursive: true });
  const index = await fetch(served.url);
  expect(index.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(index.headers.get("content-security-policy")).toContain("script-src 'self'");
  expect(await index.text()).toBe("<!doctype html>");
  expect((await fetch(`${served.url}/app.js`)).status).toBe(200);
  expect((await fetch(`${served.url}/index.html`)).status).toBe(404);
  expect((await fetch(`${served.url}/..%2f..%2fetc%2fpasswd`)).status).toBe(400);
});

describe("a server that ends", () => {
  test("finishes what is under way, takes no more, and says that it is draining", async () => {
    const { source, go } = gated();
    const tiers = [defineTier({ name: "gated", source })];
    const served = await openServer({ tiers, metadata: null });
    const kept = await rawConnection(served.port);
    kept.send(`GET /v1/blobs/${zeros} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await kept.until("\r\n\r\n");
    const closing = served.server.close({ drainMs: 60_000 });
    await expect(fetch(`${served.url}/livez`)).rejects.toThrow();
    go();
    const { text, how } = await kept.end();
    expect(how).toBe("end");
    expect(text.length - text.indexOf("\r\n\r\n") - 4).toBe(size);
    await closing;
  });

  test("cuts off what takes longer than it may", async () => {
    const { source } = gated();
    const tiers = [defineTier({ name: "gated", source })];
    const served = await openServer({ tiers, metadata: null });
    using kept = await rawConnection(served.port);
    kept.send(`GET /v1/blobs/${zeros} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await kept.until("\r\n\r\n");
    await served.server.close({ drainMs: 10 });
    const { text } = await kept.end();
    expect(text.length).toBeLessThan(size);
  });

  test("does not wait for connections that are kept alive and idle", async () => {
    const served = await openServer();
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${served.url}/livez`, { agent: false }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode));
      });
      asked.setHeader("connection", "keep-alive");
      asked.on("error", reject);
      asked.end();
    });
    expect(status).toBe(200);
    await served.server.close({ drainMs: 600_000 });
  });
});
