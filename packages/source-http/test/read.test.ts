import { collect, parseDigest } from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import {
  eventually,
  startServer,
  type TestBlob,
  testBlob,
  type TestServer,
  listed,
} from "./test-server.ts";

// A real server that answers as the path asks; the source must make the right thing of each answer.
let server: TestServer;
let blob: TestBlob;
let answer: Parameters<typeof startServer>[0];

beforeEach(async () => {
  blob = await testBlob(100_000);
  answer = (_, response) => {
    response.setHeader("content-length", blob.bytes.byteLength).end(blob.bytes);
  };
  server = await startServer((request, response) => answer(request, response));
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${server.origin}/blobs/{hex}`, ...options });

describe("a whole read", () => {
  test("gives the bytes, by stream and at once", async () => {
    answer = (_, response) => {
      response.setHeader("etag", '"v1"').setHeader("content-length", blob.bytes.byteLength);
      response.end(blob.bytes);
    };
    await using source = make();
    const streamed = await source.open(blob.digest);
    expect(streamed).toMatchObject({
      size: 100_000,
      range: { start: 0, end: 100_000 },
      source: `${server.origin}/blobs/{hex}`,
      role: "source",
      verified: false,
      version: '"v1"',
    });
    expect(Buffer.compare(await collect(streamed!.body), blob.bytes)).toBe(0);
    const whole = await (await source.open(blob.digest))?.bytes();
    expect(Buffer.compare(whole!, blob.bytes)).toBe(0);
    expect(server.seen[0]).toMatchObject({
      method: "GET",
      url: `/blobs/${blob.digest.slice(7)}`,
      headers: { "accept-encoding": "identity" },
    });
  });

  test("of a chunked body has no size until its end", async () => {
    answer = (_, response) => {
      response.write(blob.bytes.subarray(0, 10));
      response.end(blob.bytes.subarray(10));
    };
    await using source = make();
    const content = await source.open(blob.digest);
    expect(content).toMatchObject({ size: undefined, range: { start: 0, end: undefined } });
    expect(Buffer.compare((await content?.bytes())!, blob.bytes)).toBe(0);
  });

  test("of a body that ends with its connection works", async () => {
    answer = (request) => {
      request.socket.write("HTTP/1.0 200 OK\r\n\r\n");
      request.socket.end(blob.bytes);
    };
    await using source = make();
    const content = await source.open(blob.digest);
    expect(content?.size).toBeUndefined();
    expect(Buffer.compare((await content?.bytes())!, blob.bytes)).toBe(0);
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 5_000_000])("of %i bytes is whole", async (size) => {
    blob = await testBlob(size);
    await using source = make();
    const content = await source.open(blob.digest);
    expect(content?.size).toBe(size);
    expect(Buffer.compare((await content?.bytes())!, blob.bytes)).toBe(0);
    expect(Buffer.compare(await collect((await source.open(blob.digest))!.body), blob.bytes)).toBe(
      0,
    );
  });

  test("gives wrong bytes as they are: who verifies is above", async () => {
    answer = (_, response) => void response.end("other bytes");
    await using source = make();
    const content = await source.open(blob.digest);
    expect(Buffer.from((await content?.bytes())!).toString()).toBe("other bytes");
    expect(content?.verified).toBe(false);
  });

  test("has no version where the tag is weak", async () => {
    answer = (_, response) => void response.setHeader("etag", 'W/"v1"').end("x");
    await using source = make();
    await using content = await source.open(blob.digest);
    expect(content?.version).toBeUndefined();
  });

  test("of a slow reader pauses the connection rather than fill memory", async () => {
    let sent = 0;
    const chunk = new Uint8Array(64 * 1024);
    answer = async (_, response) => {
      for (; sent < 2048 && !response.destroyed; sent += 1) {
        if (!response.write(chunk)) await new Promise((resolve) => response.once("drain", resolve));
      }
      response.end();
    };
    await using source = make();
    const content = await source.open(blob.digest);
    const chunks = content!.body[Symbol.asyncIterator]();
    await chunks.next();
    let before = -1;
    // The server stops writing once the kernel's buffers and ours are full, long before the end.
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(sent).toBeLessThan(1024);
    let bytes = 0;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      bytes += next.value.byteLength;
    }
    expect(bytes).toBeGreaterThan(2047 * 64 * 1024);
  });
});

describe("absence", () => {
  test.each([404, 410, 204])("is what %i says", async (status) => {
    answer = (_, response) => void response.writeHead(status).end(status === 204 ? "" : "nothing");
    await using source = make();
    for (let time = 0; time < 10; time += 1) {
      expect(await source.open(blob.digest)).toBeUndefined();
    }
    // The short bodies were read to their end, so connections were used again; a second one is made
    // where a request comes in the very moment in which the last answer ends.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  test("of an algorithm that the API can't have costs no request", async () => {
    await using source = make({ put: true });
    const other = parseDigest(`blake3:${"0".repeat(64)}`);
    expect(await source.open(other)).toBeUndefined();
    expect(await source.stat(other)).toBeUndefined();
    await expect(source.put(new Uint8Array(), { digest: other })).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
    expect(server.seen).toEqual([]);
  });

  test("with an endless body closes the connection", async () => {
    answer = (_, response) => {
      response.writeHead(404);
      const write = (): void => {
        if (!response.destroyed)
          response.write(new Uint8Array(16 * 1024), () => setImmediate(write));
      };
      write();
    };
    await using source = make();
    expect(await source.open(blob.digest)).toBeUndefined();
    await eventually(() => server.openConnections === 0);
  });
});

describe("a read that is left", () => {
  // The server never ends the body: the connection must be closed all the same.
  beforeEach(() => {
    answer = (_, response) => {
      response.setHeader("content-length", 1_000_000);
      response.write(blob.bytes);
    };
  });

  test("is closed when it is disposed unread", async () => {
    await using source = make();
    const content = await source.open(blob.digest);
    await content?.[Symbol.asyncDispose]();
    await content?.[Symbol.asyncDispose]();
    await eventually(() => server.openConnections === 0);
  });

  test("is closed when the loop is left", async () => {
    await using source = make();
    const content = await source.open(blob.digest);
    for await (const chunk of content!.body) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
    await eventually(() => server.openConnections === 0);
  });

  test("is closed when the caller aborts, and says so at once", async () => {
    await using source = make();
    const controller = new AbortController();
    const content = await source.open(blob.digest, { signal: controller.signal });
    const reading = content?.bytes();
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: "ABORTED", subject: blob.digest });
    await eventually(() => server.openConnections === 0);
  });

  test("is closed with its source, and later reads are refused", async () => {
    const source = make();
    const content = await source.open(blob.digest);
    const reading = content?.bytes();
    const failing = expect(reading).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await source[Symbol.asyncDispose]();
    await failing;
    await expect(source.open(blob.digest)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      persistence: "permanent",
      detail: "the source has been disposed",
    });
    await eventually(() => server.openConnections === 0);
  });
});

describe("an abort", () => {
  test("before the call sends nothing", async () => {
    await using source = make();
    const signal = AbortSignal.abort();
    await expect(source.open(blob.digest, { signal })).rejects.toMatchObject({ code: "ABORTED" });
    await expect(source.stat(blob.digest, { signal })).rejects.toMatchObject({ code: "ABORTED" });
    expect(server.seen).toEqual([]);
  });

  test("before the headers rejects at once and closes the connection", async () => {
    const controller = new AbortController();
    answer = () => controller.abort();
    await using source = make();
    const opening = source.open(blob.digest, { signal: controller.signal });
    await expect(opening).rejects.toMatchObject({ code: "ABORTED" });
    await eventually(() => server.openConnections === 0);
  });

  test("after all has come hands nothing out any more", async () => {
    await using source = make();
    const controller = new AbortController();
    const content = await source.open(blob.digest, { signal: controller.signal });
    await eventually(() => server.openRequests === 0);
    controller.abort();
    await expect(collect(content!.body)).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("stat", () => {
  test("asks with HEAD", async () => {
    await using source = make();
    expect(await source.stat(blob.digest)).toEqual({ digest: blob.digest, size: 100_000 });
    answer = (_, response) => void response.writeHead(404).end();
    expect(await source.stat(blob.digest)).toBeUndefined();
    expect(server.seen.map(({ method }) => method)).toEqual(["HEAD", "HEAD"]);
  });

  test.each([405, 501])("remembers that the API answers HEAD with %i", async (status) => {
    answer = (_, response) => void response.writeHead(status).end();
    await using source = make();
    for (let time = 0; time < 2; time += 1) {
      await expect(source.stat(blob.digest)).rejects.toMatchObject({
        code: "UNSUPPORTED",
        message: expect.stringContaining(`HEAD with ${status}; set head to false`),
      });
    }
    expect(server.seen).toHaveLength(1);
  });

  test("refuses to guess a size that was not said", async () => {
    answer = (_, response) => void response.writeHead(200).end();
    await using source = make();
    await expect(source.stat(blob.digest)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    answer = (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip", "content-length": 7 }).end();
    };
    await expect(source.stat(blob.digest)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    answer = (_, response) => void response.writeHead(204).end();
    await expect(source.stat(blob.digest)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(server.seen).toHaveLength(3);
  });

  test("does not believe that a blob with bytes has none", async () => {
    answer = (_, response) => void response.writeHead(200, { "content-length": 0 }).end();
    await using source = make();
    const empty = await testBlob(0);
    expect(await source.stat(empty.digest)).toEqual({ digest: empty.digest, size: 0 });
    await expect(source.stat(blob.digest)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(source.stat(blob.digest)).rejects.toThrow(/set head to false/);
    expect(server.seen).toHaveLength(2);
  });

  test("is unsupported, without a request, where HEAD is off", async () => {
    await using source = make({ head: false });
    expect(source.capabilities.stat).toBe(false);
    await expect(source.stat(blob.digest)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(server.seen).toEqual([]);
  });
});

// Where a capability is false the operation rejects with UNSUPPORTED, and nothing is sent.
test("what the source can't do rejects with UNSUPPORTED", async () => {
  const price = { perRequest: 0.001, currency: "USD" };
  await using source = make({ price });
  expect(source.capabilities).toEqual({
    algorithms: ["sha256"],
    stat: true,
    rangeRead: false,
    put: false,
    delete: false,
    list: false,
  });
  expect(source.price).toEqual(price);
  const unsupported = { code: "UNSUPPORTED", source: source.name };
  await expect(source.put(blob.bytes)).rejects.toMatchObject(unsupported);
  await expect(source.delete(blob.digest)).rejects.toMatchObject(unsupported);
  await expect(listed(source)).rejects.toMatchObject(unsupported);
  const range = { start: 1, end: 2 };
  await expect(source.open(blob.digest, { range })).rejects.toMatchObject(unsupported);
  expect(server.seen).toEqual([]);
});
