import { promisify } from "node:util";
import { brotliCompress, deflate, gzip, zstdCompress } from "node:zlib";
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

// Nobody asked for an encoding, but some servers encode all the same: the digest names the bytes
// before that, so it is undone, within bounds.
let server: TestServer;
let blob: TestBlob;
let encoded: Uint8Array;
let encoding: string;

beforeEach(async () => {
  blob = await testBlob(100_000);
  encoding = "gzip";
  encoded = await promisify(gzip)(blob.bytes);
  server = await startServer((request, response) => {
    const status = request.headers.range === undefined ? 200 : 206;
    const range = status === 200 ? {} : { "content-range": "bytes 0-9/100000" };
    response.writeHead(status, { "content-encoding": encoding, ...range }).end(encoded);
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${server.origin}/{hex}`, ...options });

test.each([
  ["gzip", promisify(gzip)],
  ["X-GZIP", promisify(gzip)],
  ["deflate", promisify(deflate)],
  ["br", promisify(brotliCompress)],
  ["zstd", promisify(zstdCompress)],
] as const)("%s is undone, and the size is not known", async (name, encode) => {
  encoding = name;
  encoded = await encode(blob.bytes);
  await using source = make();
  const content = await source.open(blob.digest);
  expect(content).toMatchObject({ size: undefined, range: { start: 0, end: undefined } });
  expect(Buffer.compare((await content?.bytes())!, blob.bytes)).toBe(0);
  expect(server.seen[0]?.headers["accept-encoding"]).toBe("identity");
});

test.each(["identity", ""])("%j is no encoding", async (name) => {
  encoding = name;
  encoded = blob.bytes;
  await using source = make();
  expect(Buffer.compare((await (await source.open(blob.digest))?.bytes())!, blob.bytes)).toBe(0);
});

test("raw takes the bytes as they are", async () => {
  await using source = make({ contentEncoding: "raw" });
  const content = await source.open(blob.digest);
  expect(Buffer.compare((await content?.bytes())!, encoded)).toBe(0);
});

test.each(["compress", "gzip, br", "aes128gcm"])("%s is UNSUPPORTED", async (name) => {
  encoding = name;
  await using source = make();
  await expect(source.open(blob.digest)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringContaining(name),
  });
});

describe("a bomb", () => {
  test("is cut off at decodedBytesMax, and its connection closed", async () => {
    // Sixty-four mebibytes of zeros, in sixty-five kibibytes.
    encoded = await promisify(gzip)(new Uint8Array(64 * 2 ** 20));
    await using source = make({ decodedBytesMax: 1_000_000 });
    const content = await source.open(blob.digest);
    let seen = 0;
    const reading = (async () => {
      for await (const chunk of content!.body) seen += chunk.byteLength;
    })();
    await expect(reading).rejects.toMatchObject({
      code: "TOO_LARGE",
      message: expect.stringContaining("decodedBytesMax"),
    });
    expect(seen).toBeLessThanOrEqual(1_000_000);
  });

  test("of exactly the limit is fine", async () => {
    await using source = make({ decodedBytesMax: 100_000 });
    expect((await (await source.open(blob.digest))?.bytes())?.byteLength).toBe(100_000);
    await using less = make({ decodedBytesMax: 99_999 });
    await expect((await less.open(blob.digest))?.bytes()).rejects.toMatchObject({
      code: "TOO_LARGE",
    });
  });
});

test("an encoding that is broken or ends early is UNAVAILABLE", async () => {
  await using source = make();
  const whole = encoded;
  for (const broken of [whole.subarray(0, 5000), Buffer.from("no gzip at all")]) {
    encoded = broken;
    const content = await source.open(blob.digest);
    await expect(collect(content!.body)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      detail: "the gzip encoding of the bytes is broken",
    });
  }
});

test("a connection that breaks in an encoded body is told as that", async () => {
  await using broken = await startServer((request, response) => {
    response.writeHead(200, { "content-encoding": "gzip", "content-length": encoded.byteLength });
    response.write(encoded.subarray(0, 5000), () => request.socket.destroy());
  });
  await using source = httpSource({ url: `${broken.origin}/{hex}` });
  const content = await source.open(blob.digest);
  const failing = expect(collect(content!.body)).rejects;
  await failing.toMatchObject({ code: "UNAVAILABLE", detail: "the connection broke" });
});

test("a range of encoded bytes is UNSUPPORTED", async () => {
  await using source = make({ rangeRead: true });
  const range = { start: 0, end: 10 };
  await expect(source.open(blob.digest, { range })).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test("leaving an encoded body closes its connection", async () => {
  const endless = await startServer((_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" }).write(encoded);
  });
  await using source = httpSource({ url: `${endless.origin}/{hex}` });
  const content = await source.open(blob.digest);
  for await (const chunk of content!.body) {
    expect(chunk.byteLength).toBeGreaterThan(0);
    break;
  }
  await eventually(() => endless.openConnections === 0);
  await endless[Symbol.asyncDispose]();
});
