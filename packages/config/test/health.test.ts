import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseDigest } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../src/load-config.ts";
import { openComposite } from "../src/open/open-tiers.ts";
import { folderWith } from "./folder.ts";

const absent = parseDigest(`sha256:${"0".repeat(64)}`);

describe("the health of an open config", () => {
  it("shows each tier's breaker, limit, budget of retries and recent failures", async () => {
    // An S3 whose server answers every request with 503: after some questions its breaker is open and
    // its bound has shrunk, while the directory behind it is asked and well.
    let asked = 0;
    await using server = createServer((_request, response) => {
      asked += 1;
      response.writeHead(503).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cwd = await folderWith({
      "b.yaml": [
        "tiers:",
        "  - { name: disk, url: ./cache, role: cache, bytesMax: 1MiB }",
        "  - { name: memory, url: 'memory:', role: cache, bytesMax: 1MiB }",
        `  - { name: far, url: "s3://models/", endpoint: "${endpoint}", region: us-east-1, anonymous: true, hedge: true }`,
        "  - { name: ours, url: ./ours, origin: true }",
        "",
      ].join("\n"),
    });
    const config = await loadConfig({ cwd, env: {}, file: "b.yaml" });
    await using opened = await openComposite(config, { env: {}, random: () => 0 });
    await opened.store.put(new TextEncoder().encode("so that the directory is there"));
    const before = opened.health();
    expect(before.map(({ tier, role, origin }) => ({ tier, role, origin }))).toEqual([
      { tier: "disk", role: "cache", origin: false },
      { tier: "memory", role: "cache", origin: false },
      { tier: "far", role: "source", origin: false },
      { tier: "ours", role: "source", origin: true },
    ]);
    expect(before[2]).toEqual({
      tier: "far",
      role: "source",
      origin: false,
      source: "s3://models/",
      recent: { inFlight: 0, requests: 0, failures: 0, refusals: 0, p95Ms: undefined },
      breaker: { state: "closed", requests: 0, failures: 0, retryAfterMs: 0 },
      limit: { active: 0, waiting: 0, concurrency: 64, concurrencyMax: 64 },
      retries: { requests: 0, retries: 0, left: 10 },
      hedges: { requests: 0, extra: 0, won: 0 },
    });

    for (let count = 0; count < 20; count += 1) {
      await expect(opened.store.open(absent)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    }
    const after = opened.health();
    expect(after[2]).toMatchObject({
      recent: { requests: asked, failures: asked },
      breaker: { state: "open" },
      retries: { retries: 10, left: 0 },
    });
    expect(after[2]?.limit?.concurrency).toBeLessThan(64);
    expect(after[3]).toMatchObject({ breaker: undefined, recent: { failures: 0 } });
    expect(after[3]?.recent.requests).toBeGreaterThan(0);
    expect(after[0]?.recent.requests).toBeGreaterThan(0);
  });
});
