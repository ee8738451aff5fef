import type { Bucket, Content, ReadOptions } from "@bitstore/core";
import { describe, expect, it } from "vitest";
import { type AzureBucketOptions, azureBucket } from "../src/index.ts";
import { failure } from "./expectations.ts";
import { answerBytes, answerError, type Answering, stubService } from "./stub-service.ts";

// A service that answers wrongly, late or not at all. Each test says what one read makes of it, by
// a real HTTP server; where a connection must be let go, the one connection that there may be is
// used again or seen to close.

const blob = Buffer.alloc(300_000, "a fairly long text, ");

function bucketAt(endpoint: string, more: Partial<AzureBucketOptions> = {}): Bucket {
  return azureBucket({ container: "box", endpoint, anonymous: true, environment: {}, ...more });
}

async function opened(bucket: Bucket, options?: ReadOptions): Promise<Content> {
  return (await bucket.read("blob", options)) ?? expect.fail("the object is absent");
}

async function streamed({ body }: Content): Promise<number> {
  let size = 0;
  for await (const chunk of body) size += chunk.byteLength;
  return size;
}

/** Promises the blob and breaks the connection half-way. */
const breakHalfway: Answering = (_, response) => {
  response.writeHead(200, { etag: '"0x1"', "content-length": blob.byteLength });
  response.write(blob.subarray(0, blob.byteLength / 2), () => response.destroy());
};

describe("reads in bad weather", () => {
  it("aborts a read that is never answered, and closes its connection", async () => {
    const asked = Promise.withResolvers<void>();
    await using service = await stubService(() => asked.resolve());
    const control = new AbortController();
    const reading = bucketAt(service.endpoint).read("blob", { signal: control.signal });
    await asked.promise;
    control.abort();
    await failure(reading, "ABORTED");
    await service.allClosed();
  });

  it("aborts a body that stalls, and closes its connection", async () => {
    await using service = await stubService((_, response) => {
      response.writeHead(200, { etag: '"0x1"', "content-length": blob.byteLength });
      response.write(blob.subarray(0, 1000));
    });
    const control = new AbortController();
    const content = await opened(bucketAt(service.endpoint), { signal: control.signal });
    const reading = streamed(content);
    control.abort();
    await failure(reading, "ABORTED");
    await service.allClosed();
  });

  it("disposes a read whose loop waits for a stalled body", async () => {
    await using service = await stubService((_, response) => {
      response.writeHead(200, { etag: '"0x1"', "content-length": blob.byteLength });
      response.flushHeaders();
    });
    const content = await opened(bucketAt(service.endpoint));
    const reading = streamed(content);
    const outcome = failure(reading, "UNAVAILABLE");
    await content[Symbol.asyncDispose]();
    await outcome;
    await service.allClosed();
  });

  it("throws where the connection breaks in the body, streamed or at once", async () => {
    await using service = await stubService(breakHalfway);
    const bucket = bucketAt(service.endpoint);
    await failure(streamed(await opened(bucket)), "UNAVAILABLE");
    await failure((await opened(bucket)).bytes(), "UNAVAILABLE");
    expect(service.asked).toHaveLength(2);
  });

  it("survives a connection that breaks while nobody reads", async () => {
    await using service = await stubService(breakHalfway);
    const content = await opened(bucketAt(service.endpoint));
    await service.allClosed();
    await failure(content.bytes(), "UNAVAILABLE");
    await content[Symbol.asyncDispose]();
  });

  it("refuses the whole object where a range was asked, and lets the connection go", async () => {
    let ranges = 0;
    await using service = await stubService(({ headers }, response) => {
      if (headers["x-ms-range"] !== undefined) ranges += 1;
      answerBytes(response, blob);
    });
    const bucket = bucketAt(service.endpoint, { connectionsMax: 1 });
    const error = await failure(
      bucket.read("blob", { range: { start: 5, end: 9 } }),
      "UNAVAILABLE",
    );
    expect(error.message).toContain("asked for a range, the answer is a 200");
    expect(await (await opened(bucket)).bytes()).toEqual(blob);
    expect(ranges).toBe(1);
  });

  it.each([
    ["of another start", "bytes 6-9/100", 4],
    ["of another end", "bytes 5-7/100", 3],
    ["that is none", "bytes */100", 4],
    ["of another length than the body", "bytes 5-8/100", 7],
  ])("refuses a range %s", async (_, contentRange, length) => {
    await using service = await stubService((__, response) => {
      response.writeHead(206, {
        etag: '"0x1"',
        "content-range": contentRange,
        "content-length": length,
      });
      response.end(blob.subarray(0, length));
    });
    const bucket = bucketAt(service.endpoint, { connectionsMax: 1 });
    await failure(bucket.read("blob", { range: { start: 5, end: 9 } }), "UNAVAILABLE");
    await service.allClosed();
  });

  it("refuses a part where the whole object was asked", async () => {
    await using service = await stubService((_, response) => {
      response.writeHead(206, { etag: '"0x1"', "content-range": "bytes 0-3/9" });
      response.end("four");
    });
    await failure(bucketAt(service.endpoint).read("blob"), "UNAVAILABLE");
  });

  it.each([
    ["a length", { etag: '"0x1"' }],
    ["an entity tag", { "content-length": String(blob.byteLength) }],
  ])("refuses an answer without %s, and lets the connection go", async (_, headers) => {
    await using service = await stubService((__, response) => {
      response.writeHead(200, headers);
      response.end(blob);
    });
    const bucket = bucketAt(service.endpoint, { connectionsMax: 1 });
    await failure(bucket.read("blob"), "UNAVAILABLE");
    await service.allClosed();
  });

  it("asks once, and says how long a busy service wants to be left alone", async () => {
    await using service = await stubService((asked, response) => {
      answerError(asked, response, 503, "ServerBusy", { "retry-after": "7" });
    });
    const error = await failure(bucketAt(service.endpoint).read("blob"), "RATE_LIMITED");
    expect(error).toMatchObject({ retryAfterMs: 7000, persistence: "transient" });
    expect(service.asked).toHaveLength(1);
  });

  it.each([
    [500, "InternalError"],
    [500, "OperationTimedOut"],
    [502, "BadGateway"],
    [504, "GatewayTimeout"],
  ])("asks once where the answer is %i %s", async (status, code) => {
    await using service = await stubService((asked, response) => {
      answerError(asked, response, status, code);
    });
    await failure(bucketAt(service.endpoint).read("blob"), "UNAVAILABLE");
    await failure(bucketAt(service.endpoint).head("blob"), "UNAVAILABLE");
    expect(service.asked).toHaveLength(2);
  });

  it.each(["/acme/box/other", "http://127.0.0.1:1/acme/box/blob"])(
    "does not follow a redirect to %s",
    async (location) => {
      await using service = await stubService((_, response) => {
        response.writeHead(307, { location }).end();
      });
      const error = await failure(bucketAt(service.endpoint).read("blob"), "UNAVAILABLE");
      expect(error.persistence).toBe("permanent");
      expect(error.message).toContain("redirect");
      expect(service.asked).toHaveLength(1);
    },
  );

  it("takes a 404 that is not Azure's for a failure, not for a miss", async () => {
    await using service = await stubService((_, response) => {
      response.writeHead(404, { "content-type": "text/html" }).end("<h1>Not found</h1>");
    });
    const bucket = bucketAt(service.endpoint);
    await failure(bucket.read("blob"), "UNAVAILABLE");
    await failure(bucket.head("blob"), "UNAVAILABLE");
    await failure(bucket.delete("blob"), "UNAVAILABLE");
  });

  it("fails where nothing listens", async () => {
    const service = await stubService(() => undefined);
    await service[Symbol.asyncDispose]();
    const error = await failure(bucketAt(service.endpoint).read("blob"), "UNAVAILABLE");
    expect(error).toMatchObject({ persistence: "transient" });
  });

  it("fails where the answer is not HTTP", async () => {
    await using service = await stubService((_, response) => {
      response.socket?.end("220 mail.example.com ESMTP\r\n");
    });
    await failure(bucketAt(service.endpoint).read("blob"), "UNAVAILABLE");
  });

  it("asks for no compression, and hands out what is stored", async () => {
    const stored = Buffer.from("\u001f\u008b not really gzip", "latin1");
    await using service = await stubService(({ headers }, response) => {
      expect(headers["accept-encoding"]).toBeUndefined();
      response.writeHead(200, {
        etag: '"0x1"',
        "content-encoding": "gzip",
        "content-length": stored.byteLength,
      });
      response.end(stored);
    });
    expect(await (await opened(bucketAt(service.endpoint))).bytes()).toEqual(stored);
  });
});

describe("a read that is over", () => {
  it("has no bytes left, and does not take that for an empty object", async () => {
    await using service = await stubService((_, response) => answerBytes(response, blob));
    const bucket = bucketAt(service.endpoint);
    const read = await opened(bucket);
    expect(await read.bytes()).toHaveLength(blob.byteLength);
    await failure(read.bytes(), "INVALID_ARGUMENT");
    const disposed = await opened(bucket);
    await disposed[Symbol.asyncDispose]();
    await failure(disposed.bytes(), "INVALID_ARGUMENT");
    const iterated = await opened(bucket);
    expect(await streamed(iterated)).toBe(blob.byteLength);
    await failure(iterated.bytes(), "INVALID_ARGUMENT");
  });
});

describe("connections", () => {
  it("keeps one connection for reads one after the other", async () => {
    await using service = await stubService((_, response) => answerBytes(response, blob));
    const bucket = bucketAt(service.endpoint);
    for (let turn = 0; turn < 10; turn += 1) {
      const content = await opened(bucket);
      expect(turn % 2 === 0 ? (await content.bytes()).byteLength : await streamed(content)).toBe(
        blob.byteLength,
      );
      await content[Symbol.asyncDispose]();
    }
    expect(service.connections.opened).toBe(1);
  });

  it("opens no more than connectionsMax", async () => {
    let most = 0;
    await using service = await stubService((_, response) => {
      most = Math.max(most, service.connections.open);
      answerBytes(response, blob);
    });
    const bucket = bucketAt(service.endpoint, { connectionsMax: 3 });
    await Promise.all(Array.from({ length: 30 }, async () => (await opened(bucket)).bytes()));
    expect(service.asked).toHaveLength(30);
    expect(most).toBe(3);
  });

  it("closes its connections when it is disposed", async () => {
    await using service = await stubService((_, response) => answerBytes(response, blob));
    const bucket = bucketAt(service.endpoint);
    await (await opened(bucket)).bytes();
    expect(service.connections.open).toBe(1);
    await bucket[Symbol.asyncDispose]();
    await service.allClosed();
  });
});
