import { collect } from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import {
  eventually,
  startServer,
  type TestBlob,
  testBlob,
  type TestServer,
} from "./test-server.ts";

// A server that honours Range and If-Match as RFC 9110 says, until a test makes it answer otherwise.
let server: TestServer;
let blob: TestBlob;
let answer: Parameters<typeof startServer>[0];
const etag = '"v1"';

const honest: Parameters<typeof startServer>[0] = (request, response) => {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  response.setHeader("etag", etag);
  if (![undefined, etag].includes(request.headers["if-match"])) {
    response.writeHead(412).end();
    return;
  }
  if (match === null) {
    response.setHeader("content-length", blob.bytes.byteLength).end(blob.bytes);
    return;
  }
  const start = Number(match[1]);
  const size = blob.bytes.byteLength;
  if (start >= size) {
    response.writeHead(416, { "content-range": `bytes */${size}` }).end();
    return;
  }
  const end = Math.min(match[2] === "" ? size : Number(match[2]) + 1, size);
  const headers = {
    "content-range": `bytes ${start}-${end - 1}/${size}`,
    "content-length": end - start,
  };
  response.writeHead(206, headers).end(blob.bytes.subarray(start, end));
};

beforeEach(async () => {
  blob = await testBlob(200_000);
  answer = honest;
  server = await startServer((request, response) => answer(request, response));
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${server.origin}/{hex}`, rangeRead: true, ...options });

describe("a range", () => {
  test.each([
    [0, 1],
    [0, 200_000],
    [1, 100_000],
    [199_999, undefined],
    [100, undefined],
    [150_000, 999_999],
  ])("from %i to %s is what comes", async (start, end) => {
    await using source = make();
    const content = await source.open(blob.digest, { range: { start, end } });
    const wanted = blob.bytes.subarray(start, end);
    expect(content).toMatchObject({
      size: 200_000,
      range: { start, end: start + wanted.byteLength },
      version: etag,
    });
    expect(Buffer.compare((await content?.bytes())!, wanted)).toBe(0);
  });

  test("of the whole is asked without Range", async () => {
    await using source = make();
    const content = await source.open(blob.digest, { range: { start: 0, end: undefined } });
    expect((await content?.bytes())?.byteLength).toBe(200_000);
    expect(server.seen[0]?.headers.range).toBeUndefined();
  });

  test("past the end is RANGE_NOT_SATISFIABLE", async () => {
    await using source = make();
    const range = { start: 200_000, end: undefined };
    await expect(source.open(blob.digest, { range })).rejects.toMatchObject({
      code: "RANGE_NOT_SATISFIABLE",
    });
  });

  test("that is none is INVALID_ARGUMENT, and not asked", async () => {
    await using source = make();
    for (const range of [
      { start: 5, end: 5 },
      { start: -1, end: 5 },
      { start: 0.5, end: 5 },
    ]) {
      await expect(source.open(blob.digest, { range })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }
    expect(server.seen).toEqual([]);
  });
});

describe("a version", () => {
  test("is asked for with If-Match", async () => {
    await using source = make();
    const content = await source.open(blob.digest, { version: etag, range: { start: 5, end: 9 } });
    expect(Buffer.compare((await content?.bytes())!, blob.bytes.subarray(5, 9))).toBe(0);
    expect(server.seen[0]?.headers).toMatchObject({ "if-match": etag, range: "bytes=5-8" });
    await expect(source.open(blob.digest, { version: '"v0"' })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
  });

  // A server that ignores If-Match would hand out another version's bytes.
  test.each(['"v2"', 'W/"v1"', undefined])("is compared with the tag %s", async (tag) => {
    answer = (_, response) => {
      if (tag !== undefined) response.setHeader("etag", tag);
      response.end(blob.bytes);
    };
    await using source = make();
    await expect(source.open(blob.digest, { version: etag })).rejects.toMatchObject({
      code: "PRECONDITION_FAILED",
    });
    await eventually(() => server.openConnections === 0);
  });
});

describe("an API that answers a range with the whole", () => {
  beforeEach(() => {
    answer = (_, response) => {
      response.setHeader("content-length", blob.bytes.byteLength).end(blob.bytes);
    };
  });

  test.each([
    [0, 10],
    [70_000, 70_001],
    [100_000, undefined],
    [199_999, 300_000],
  ])("from %i to %s is cut", async (start, end) => {
    await using source = make();
    const wanted = blob.bytes.subarray(start, end);
    const open = () => source.open(blob.digest, { range: { start, end } });
    const content = await open();
    const to = start + wanted.byteLength;
    expect(content).toMatchObject({ size: 200_000, range: { start, end: to } });
    expect(Buffer.compare(await collect(content!.body), wanted)).toBe(0);
    expect(Buffer.compare((await (await open())?.bytes())!, wanted)).toBe(0);
  });

  test("is RANGE_NOT_SATISFIABLE past the end", async () => {
    await using source = make();
    const range = { start: 200_000, end: 200_001 };
    await expect(source.open(blob.digest, { range })).rejects.toMatchObject({
      code: "RANGE_NOT_SATISFIABLE",
    });
  });

  test("is UNSUPPORTED where too much would be thrown away", async () => {
    await using source = make({ skipBytesMax: 1000 });
    const at = (start: number) => source.open(blob.digest, { range: { start, end: undefined } });
    expect((await (await at(1000))?.bytes())?.byteLength).toBe(199_000);
    await expect(at(1001)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("skipBytesMax"),
    });
  });

  test("is UNSUPPORTED where it does not say its length", async () => {
    answer = (_, response) => {
      response.write(blob.bytes);
      response.end();
    };
    await using source = make();
    const range = { start: 1, end: 5 };
    await expect(source.open(blob.digest, { range })).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("rangeRead"),
    });
  });
});

describe("a 206", () => {
  // Each of these would hand out bytes that are not the range that was asked for.
  test.each([
    ["no Content-Range", undefined, 10],
    ["another start", "bytes 1-10/200000", 10],
    ["a shorter end", "bytes 0-8/200000", 9],
    ["a longer end", "bytes 0-10/200000", 11],
    ["no end", "bytes 0-/200000", 10],
    ["another unit", "items 0-9/200000", 10],
    ["a length that contradicts it", "bytes 0-9/200000", 9],
    ["an end before its start", "bytes 0--1/200000", 0],
    ["a shorter end of an unknown whole", "bytes 0-8/*", 9],
  ])("with %s is refused", async (_, contentRange, length) => {
    answer = (__, response) => {
      const range = contentRange === undefined ? {} : { "content-range": contentRange };
      response.writeHead(206, { ...range, "content-length": length });
      response.end(blob.bytes.subarray(0, length));
    };
    await using source = make();
    const range = { start: 0, end: 10 };
    await expect(source.open(blob.digest, { range })).rejects.toMatchObject({ code: "INTERNAL" });
  });

  test("may leave the whole size open", async () => {
    answer = (_, response) => {
      response.writeHead(206, { "content-range": "bytes 10-19/*" });
      response.end(blob.bytes.subarray(10, 20));
    };
    await using source = make();
    const content = await source.open(blob.digest, { range: { start: 10, end: 20 } });
    expect(content).toMatchObject({ size: undefined, range: { start: 10, end: 20 } });
    expect(Buffer.compare((await content?.bytes())!, blob.bytes.subarray(10, 20))).toBe(0);
  });

  test.each(["stream", "bytes"])(
    "that is chunked must have the promised bytes (%s)",
    async (how) => {
      for (const sent of [9, 11]) {
        answer = (_, response) => {
          response.writeHead(206, { "content-range": "bytes 0-9/200000" });
          response.end(blob.bytes.subarray(0, sent));
        };
        await using source = make();
        const content = await source.open(blob.digest, { range: { start: 0, end: 10 } });
        const reading = how === "bytes" ? content!.bytes() : collect(content!.body);
        await expect(reading).rejects.toMatchObject({
          code: "UNAVAILABLE",
          detail: `the body has ${sent} bytes where 10 were promised`,
        });
      }
    },
  );

  test("without a range is refused", async () => {
    answer = (_, response) => {
      response.writeHead(206, { "content-range": "bytes 0-9/10" }).end("0123456789");
    };
    await using source = make();
    await expect(source.open(blob.digest)).rejects.toMatchObject({ code: "INTERNAL" });
  });
});
