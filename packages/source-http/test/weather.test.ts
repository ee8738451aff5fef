import { collect, type Content, errorTable, isStoreError } from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import { meaningOf, statusTable } from "../src/status-table.ts";
import { transportError, transportTable } from "../src/transport-error.ts";
import { manualClock } from "./manual-clock.ts";
import {
  eventually,
  startServer,
  type TestBlob,
  testBlob,
  type TestServer,
} from "./test-server.ts";

// Bad weather: servers that fail, stall, lie and break off. Each must become the right error, soon.
let server: TestServer;
let blob: TestBlob;
let answer: Parameters<typeof startServer>[0];

beforeEach(async () => {
  blob = await testBlob(300_000);
  server = await startServer((request, response) => answer(request, response));
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${server.origin}/{hex}`, ...options });

const readers: readonly (readonly [string, (content: Content) => Promise<unknown>])[] = [
  ["by stream", (content) => collect(content.body)],
  ["at once", (content) => content.bytes()],
];

describe.each(readers)("read %s", (...[, read]) => {
  // A body that ends before its declared length must never look like a whole one.
  test.each([0, 1, 65_536, 299_999])("a connection that breaks after %i bytes", async (sent) => {
    answer = (request, response) => {
      response.writeHead(200, { "content-length": 300_000 });
      response.flushHeaders();
      response.write(blob.bytes.subarray(0, sent), () => request.socket.destroy());
    };
    await using source = make();
    const content = await source.open(blob.digest);
    await expect(read(content!)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      persistence: "transient",
      subject: blob.digest,
    });
  });

  test("a reset in the middle", async () => {
    answer = (request, response) => {
      response.writeHead(200, { "content-length": 300_000 });
      response.write(blob.bytes.subarray(0, 1000), () => request.socket.resetAndDestroy());
    };
    await using source = make();
    const reading = source.open(blob.digest).then((content) => read(content!));
    await expect(reading).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("a chunked body without its last chunk", async () => {
    answer = (request, response) => {
      response.write(blob.bytes.subarray(0, 1000), () => request.socket.end());
    };
    await using source = make();
    const content = await source.open(blob.digest);
    await expect(read(content!)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("a length that is too small cuts nothing silently into the next answer", async () => {
    answer = (request) => {
      request.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789 and more");
    };
    await using source = make();
    const content = await source.open(blob.digest);
    expect(Buffer.from((await read(content!)) as Uint8Array).toString()).toBe("0123456789");
    // What was too much must not be taken for the next answer, so the connection is given up.
    answer = (_, response) => void response.end("next");
    const next = await source.open(blob.digest);
    expect(Buffer.from((await read(next!)) as Uint8Array).toString()).toBe("next");
    expect(server.connections).toBe(2);
  });

  test("a stall in the middle is TIMEOUT, on the injected clock", async () => {
    const clock = manualClock();
    answer = (_, response) => {
      response.writeHead(200, { "content-length": 300_000 });
      response.write(blob.bytes.subarray(0, 1000));
    };
    await using source = make({ clock, bodyIdleMs: 700 });
    const content = await source.open(blob.digest);
    const failing = expect(read(content!)).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringContaining("bodyIdleMs"),
    });
    // The bytes that did come may arrive while the clock moves, so it moves until the stall is seen.
    for (let step = 0; step < 4; step += 1) await clock.advance(700);
    await failing;
    expect(clock.waiting).toBe(0);
    await eventually(() => server.openConnections === 0);
  });
});

test("a reader that is slow is no stall", async () => {
  const clock = manualClock();
  const large = await testBlob(3_000_000);
  answer = (_, response) => void response.setHeader("content-length", 3_000_000).end(large.bytes);
  await using source = make({ clock, bodyIdleMs: 1000 });
  const content = await source.open(large.digest);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content!.body) {
    if (chunks.length === 0) {
      // Long enough for the queue to fill and the connection to be paused.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await clock.advance(5000);
    }
    chunks.push(chunk);
  }
  expect(Buffer.compare(Buffer.concat(chunks), large.bytes)).toBe(0);
});

test("no answer in time is TIMEOUT", async () => {
  const clock = manualClock();
  answer = () => undefined;
  await using source = make({ clock, headersTimeoutMs: 2000, connectTimeoutMs: 1000 });
  const failing = expect(source.open(blob.digest)).rejects.toMatchObject({
    code: "TIMEOUT",
    message: expect.stringContaining("headersTimeoutMs"),
  });
  await eventually(() => server.seen.length === 1);
  await clock.advance(3000);
  await failing;
  await eventually(() => server.openConnections === 0);
});

test("nobody listening is UNAVAILABLE", async () => {
  await server[Symbol.asyncDispose]();
  await using source = make();
  await expect(source.open(blob.digest)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    persistence: "transient",
    detail: "nothing listens there",
  });
});

test("something that is no HTTP is UNAVAILABLE", async () => {
  answer = (request) => void request.socket.end("SSH-2.0-OpenSSH_9.6\r\n");
  await using source = make();
  await expect(source.open(blob.digest)).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("headers without end are UNAVAILABLE, and not asked again", async () => {
  answer = (request) => {
    request.socket.write(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}`);
  };
  await using source = make();
  await expect(source.open(blob.digest)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    persistence: "permanent",
  });
});

describe("a blob that is too large", () => {
  test("is refused by its declared length, before a byte is read", async () => {
    answer = (_, response) => void response.setHeader("content-length", 300_000).end(blob.bytes);
    await using source = make({ blobBytesMax: 299_999 });
    await expect(source.open(blob.digest)).rejects.toMatchObject({
      code: "TOO_LARGE",
      message: expect.stringContaining("blobBytesMax"),
    });
    await using enough = make({ blobBytesMax: 300_000 });
    expect((await (await enough.open(blob.digest))?.bytes())?.byteLength).toBe(300_000);
  });

  test("is cut off where its length is not declared", async () => {
    let sent = 0;
    answer = (_, response) => {
      const write = (): void => {
        if (response.destroyed) return;
        sent += 65_536;
        response.write(new Uint8Array(65_536), () => setImmediate(write));
      };
      write();
    };
    await using source = make({ blobBytesMax: 1_000_000 });
    const content = await source.open(blob.digest);
    await expect(collect(content!.body)).rejects.toMatchObject({ code: "TOO_LARGE" });
    await eventually(() => server.openConnections === 0);
    expect(sent).toBeLessThan(20_000_000);
  });
});

describe("a status", () => {
  // The table is asked of a real server, status by status, with the codes that callers rely on.
  test.each([
    [400, "INTERNAL", "permanent"],
    [401, "UNAUTHENTICATED", "permanent"],
    [402, "PERMISSION_DENIED", "permanent"],
    [403, "PERMISSION_DENIED", "permanent"],
    [405, "UNSUPPORTED", "permanent"],
    [408, "TIMEOUT", "transient"],
    [409, "UNAVAILABLE", "transient"],
    [412, "PRECONDITION_FAILED", "permanent"],
    [416, "RANGE_NOT_SATISFIABLE", "permanent"],
    [418, "INTERNAL", "permanent"],
    [425, "UNAVAILABLE", "transient"],
    [429, "RATE_LIMITED", "transient"],
    [451, "PERMISSION_DENIED", "permanent"],
    [500, "UNAVAILABLE", "transient"],
    [501, "UNSUPPORTED", "permanent"],
    [502, "UNAVAILABLE", "transient"],
    [503, "UNAVAILABLE", "transient"],
    [504, "UNAVAILABLE", "transient"],
    [599, "UNAVAILABLE", "transient"],
    [202, "UNAVAILABLE", "transient"],
    [205, "INTERNAL", "permanent"],
    [206, "INTERNAL", "permanent"],
    [304, "INTERNAL", "permanent"],
    [300, "INTERNAL", "permanent"],
  ])("%i is %s, %s", async (status, code, persistence) => {
    answer = (_, response) => void response.writeHead(status).end();
    await using source = make();
    await expect(source.open(blob.digest)).rejects.toMatchObject({
      code,
      persistence,
      operation: "open",
      source: source.name,
      subject: blob.digest,
    });
  });

  test("of the table is answered by a code of core's table", () => {
    for (const status of [...Object.keys(statusTable).map(Number), 199, 299, 399, 499, 599, 999]) {
      const meaning = meaningOf(status);
      if (meaning.kind === "failure") expect(errorTable).toHaveProperty(meaning.code);
    }
  });
});

// What undici and Node fail with, recorded by code, and one error for each.
describe("a transport error", () => {
  const asked = { operation: "open", subject: "sha256:00", source: "api" };
  test.each(Object.entries(transportTable))("%s", (key, [code, message]) => {
    const cause = Object.assign(new Error("secret detail"), { code: key });
    const error = transportError(cause, asked);
    expect(error).toMatchObject({ ...asked, code, detail: message, cause });
    expect(error.message).not.toContain("secret");
  });

  test.each([
    [Object.assign(new Error("x"), { code: "HPE_INVALID_CONSTANT" }), "UNAVAILABLE"],
    [
      Object.assign(new Error("Proxy Authentication Required (407)"), {
        code: "UND_ERR_INVALID_ARG",
      }),
      "UNAUTHENTICATED",
    ],
    [
      Object.assign(new Error("Proxy response (403) !== 200 when HTTP Tunneling"), {
        code: "UND_ERR_ABORTED",
      }),
      "UNAVAILABLE",
    ],
    [Object.assign(new Error("invalid header"), { code: "UND_ERR_INVALID_ARG" }), "INTERNAL"],
    [new AggregateError([Object.assign(new Error("x"), { code: "ETIMEDOUT" })]), "TIMEOUT"],
    [new Error("unheard of"), "UNAVAILABLE"],
    ["no error at all", "UNAVAILABLE"],
  ])("%s", (cause, code) => {
    expect(isStoreError(transportError(cause, asked), undefined)).toBe(true);
    expect(transportError(cause, asked).code).toBe(code);
  });
});
