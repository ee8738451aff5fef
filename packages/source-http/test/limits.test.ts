import type { ServerResponse } from "node:http";
import { collect } from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import { sourceLimits } from "../src/source-limits.ts";
import { manualClock } from "./manual-clock.ts";
import {
  eventually,
  startServer,
  type TestBlob,
  testBlob,
  type TestServer,
} from "./test-server.ts";

let server: TestServer;
let blob: TestBlob;
let answer: Parameters<typeof startServer>[0];

beforeEach(async () => {
  blob = await testBlob(300_000);
  answer = (_, response) => {
    response.setHeader("content-length", blob.bytes.byteLength).end(blob.bytes);
  };
  server = await startServer((request, response) => answer(request, response));
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${server.origin}/{hex}`, ...options });

describe("concurrencyMax", () => {
  // The server keeps all requests open until told otherwise, and counts them.
  test("is never exceeded, and a slot is free again however a read ends", async () => {
    const held: ServerResponse[] = [];
    let most = 0;
    answer = (_, response) => {
      held.push(response);
      most = Math.max(most, server.openRequests);
    };
    await using source = make({ concurrencyMax: 3 });
    const controller = new AbortController();
    const reads = Array.from({ length: 30 }, async (_, index) => {
      const signal = index % 5 === 4 ? controller.signal : undefined;
      const content = await source.open(blob.digest, { signal });
      if (index % 5 === 0) await content?.bytes();
      else if (index % 5 === 1) for await (const chunk of content!.body) if (chunk) break;
      if (index % 5 === 2) await content?.[Symbol.asyncDispose]();
      if (index % 5 === 3) await collect(content!.body);
      return content?.[Symbol.asyncDispose]();
    });
    const all = Promise.allSettled(reads);
    controller.abort();
    let answered = 0;
    const feeding = setInterval(() => {
      const response = held.shift();
      if (response === undefined) return;
      answered += 1;
      // Some are misses, some fail, some break: all of them give their slot back.
      if (answered % 4 === 0) response.writeHead(404).end();
      else if (answered % 4 === 1) response.writeHead(500).end("no");
      else if (answered % 4 === 2) response.destroy();
      else response.setHeader("content-length", 300_000).end(blob.bytes);
    }, 2);
    await all;
    clearInterval(feeding);
    expect(most).toBe(3);
    answer = (_, response) => void response.end("fine");
    for (let time = 0; time < 5; time += 1) await (await source.open(blob.digest))?.bytes();
  });

  test("is held by a read until it is consumed", async () => {
    await using source = make({ concurrencyMax: 1 });
    const first = await source.open(blob.digest);
    await eventually(() => server.openRequests === 0);
    let isOpen = false;
    const second = source.open(blob.digest).then((content) => {
      isOpen = true;
      return content;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(isOpen).toBe(false);
    expect(server.seen).toHaveLength(1);
    await first?.bytes();
    expect((await (await second)?.bytes())?.byteLength).toBe(300_000);
  });

  test("lets a waiter leave at once, and forgets it", async () => {
    await using source = make({ concurrencyMax: 1 });
    const first = await source.open(blob.digest);
    const controller = new AbortController();
    const waiting = [source.open(blob.digest, { signal: controller.signal })];
    waiting.push(source.stat(blob.digest, { signal: controller.signal }) as never);
    controller.abort();
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: "ABORTED" });
    await first?.[Symbol.asyncDispose]();
    await (await source.open(blob.digest))?.bytes();
    expect(server.seen).toHaveLength(2);
  });
});

describe("requestsPerSecondMax", () => {
  test("spaces requests evenly, idle time is not saved up", async () => {
    const clock = manualClock();
    await using source = make({ clock, requestsPerSecondMax: 4, head: true });
    const ask = () => Promise.all(Array.from({ length: 5 }, () => source.stat(blob.digest)));
    const all = ask();
    for (let seen = 1; seen <= 5; seen += 1) {
      await eventually(() => server.seen.length === seen);
      await clock.advance(249);
      expect(server.seen).toHaveLength(seen);
      await clock.advance(1);
    }
    await all;
    await clock.advance(10_000);
    const more = ask();
    await eventually(() => server.seen.length === 6);
    await clock.advance(249);
    expect(server.seen).toHaveLength(6);
    await clock.advance(1000);
    await more;
    expect(server.seen).toHaveLength(10);
  });

  test("waits no longer than the caller", async () => {
    const clock = manualClock();
    const limits = sourceLimits(clock, {
      concurrencyMax: 1,
      requestsPerSecondMax: 1,
      retryAfterMsMax: 1000,
    });
    await limits.turn("open", undefined, "x");
    const controller = new AbortController();
    const waiting = limits.turn("open", controller.signal, "x");
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
    expect(clock.waiting).toBe(0);
    // The turn that was given up is the next caller's.
    const next = limits.turn("open", undefined, "x");
    await clock.advance(1000);
    await next;
  });
});

describe("Retry-After", () => {
  const busy = (status: number, headers: Record<string, string>): void => {
    answer = (_, response) => void response.writeHead(status, headers).end("busy");
  };
  const fine = (): void => {
    answer = (_, response) => void response.end("fine");
  };

  test.each([
    [429, "RATE_LIMITED"],
    [503, "UNAVAILABLE"],
  ])("of %i is told, and holds the whole source", async (status, code) => {
    const clock = manualClock();
    await using source = make({ clock });
    busy(status, { "retry-after": "7" });
    await expect(source.open(blob.digest)).rejects.toMatchObject({ code, retryAfterMs: 7000 });
    fine();
    const reading = Promise.all(
      Array.from({ length: 3 }, async () => (await source.open(blob.digest))?.bytes()),
    );
    await clock.advance(6999);
    expect(server.seen).toHaveLength(1);
    await clock.advance(1);
    expect(await reading).toHaveLength(3);
  });

  test("as a date is measured by the API's Date, else by the injected wall clock", async () => {
    const epochMs = (): number => Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
    const until = "Wed, 21 Oct 2026 07:28:20 GMT";
    await using source = make({ epochMs, retryAfterMsMax: 1 });
    busy(429, { "retry-after": until, date: "Wed, 21 Oct 2026 07:28:15 GMT" });
    await expect(source.open(blob.digest)).rejects.toMatchObject({ retryAfterMs: 5000 });
    answer = (_, response) => {
      response.sendDate = false;
      response.writeHead(429, { "retry-after": until }).end();
    };
    await expect(source.open(blob.digest)).rejects.toMatchObject({ retryAfterMs: 20_000 });
  });

  test("holds no longer than retryAfterMsMax, though it is told in full", async () => {
    const clock = manualClock();
    await using source = make({ clock, retryAfterMsMax: 2000 });
    busy(429, { "retry-after": "86400" });
    await expect(source.open(blob.digest)).rejects.toMatchObject({ retryAfterMs: 86_400_000 });
    fine();
    const reading = source.open(blob.digest).then((content) => content?.bytes());
    await clock.advance(1999);
    expect(server.seen).toHaveLength(1);
    await clock.advance(1);
    expect(await reading).toBeDefined();
  });

  test("lets a waiter leave at once", async () => {
    const clock = manualClock();
    await using source = make({ clock });
    busy(503, { "retry-after": "30" });
    await expect(source.open(blob.digest)).rejects.toMatchObject({ retryAfterMs: 30_000 });
    const controller = new AbortController();
    const waiting = source.open(blob.digest, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ABORTED" });
    expect(server.seen).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });

  test("of other failures is told, and holds nobody", async () => {
    await using source = make();
    busy(500, { "retry-after": "30" });
    await expect(source.open(blob.digest)).rejects.toMatchObject({ retryAfterMs: 30_000 });
    fine();
    expect(await (await source.open(blob.digest))?.bytes()).toBeDefined();
  });
});

test("limits that are none are refused when the source is made", () => {
  const wrong: readonly Partial<HttpSourceOptions>[] = [
    { concurrencyMax: 0 },
    { concurrencyMax: 1.5 },
    { concurrencyMax: Number.NaN },
    { requestsPerSecondMax: 0 },
    { requestsPerSecondMax: -1 },
    { requestsPerSecondMax: Number.NaN },
    { retryAfterMsMax: 0 },
    { blobBytesMax: -1 },
    { bodyIdleMs: 0 },
    { headersTimeoutMs: Number.NaN },
  ];
  for (const options of wrong) {
    const refused = expect.objectContaining({ code: "CONFIG_INVALID" });
    expect(() => make(options), JSON.stringify(options)).toThrow(refused);
  }
});
