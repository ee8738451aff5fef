import { gzipSync } from "node:zlib";
import { gcsBucket } from "@bitstore/bucket-gcs";
import type { Bucket, Content } from "@bitstore/core";
import { describe, expect, test } from "vitest";
import { expectCode } from "./expect-code.ts";
import {
  json,
  refuse,
  type Script,
  scriptedServer,
  type ScriptedServer,
} from "./scripted-server.ts";

// A real HTTP server that misbehaves stands where the service would be: each answer must come out
// as the right error, never as other bytes, and never leave a connection behind.

const bytes = Buffer.from("0123456789abcdefghij");
const generation = { "x-goog-generation": "7" };

interface Setup extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly bucket: Bucket;
}

async function setup(script: Script): Promise<Setup> {
  const server = await scriptedServer(script);
  const bucket = gcsBucket({ bucket: "weather", endpoint: server.endpoint, environment: {} });
  return {
    server,
    bucket,
    async [Symbol.asyncDispose]() {
      await bucket[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const serving =
  (status: number, headers: Record<string, string | number>, body: Uint8Array): Script =>
  (_, response) => {
    response.writeHead(status, { ...generation, ...headers });
    response.end(body);
  };

async function whole(content: Content | undefined): Promise<Uint8Array> {
  if (content === undefined) return expect.fail("a miss");
  return content.bytes();
}

async function streamed(content: Content | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content?.body ?? expect.fail("a miss")) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("bodies that are not what was promised", () => {
  for (const [how, read] of [
    ["bytes()", whole],
    ["body", streamed],
  ] as const) {
    test(`a connection that breaks in the middle, by ${how}`, async () => {
      await using here = await setup((_, response) => {
        response.writeHead(200, { ...generation, "content-length": 20 });
        response.write(bytes.subarray(0, 10), () => response.destroy());
      });
      const content = await here.bucket.read("key");
      await expectCode(read(content), "UNAVAILABLE");
    });

    test(`a chunked body that is cut off, by ${how}`, async () => {
      await using here = await setup((_, response) => {
        response.writeHead(200, generation);
        response.write(bytes.subarray(0, 10), () => response.destroy());
      });
      await expectCode(read(await here.bucket.read("key")), "UNAVAILABLE");
    });

    test(`a part without a length that ends short, by ${how}`, async () => {
      await using here = await setup((_, response) => {
        response.writeHead(206, { ...generation, "content-range": "bytes 5-14/20" });
        response.end(bytes.subarray(5, 9));
      });
      const content = await here.bucket.read("key", { range: { start: 5, end: 15 } });
      await expectCode(read(content), "UNAVAILABLE");
    });

    test(`a part without a length that goes on, by ${how}`, async () => {
      await using here = await setup((_, response) => {
        response.writeHead(206, { ...generation, "content-range": "bytes 5-14/20" });
        response.end(bytes.subarray(5));
      });
      const content = await here.bucket.read("key", { range: { start: 5, end: 15 } });
      await expectCode(read(content), "UNAVAILABLE");
    });

    test(`the whole object where a range was asked for is cut, by ${how}`, async () => {
      await using here = await setup(serving(200, { "content-length": 20 }, bytes));
      for (const [start, end] of [
        [0, 5],
        [5, 15],
        [5, 20],
        [19, 20],
      ] as const) {
        const content = await here.bucket.read("key", { range: { start, end } });
        expect(content).toMatchObject({ size: 20, range: { start, end } });
        expect(Buffer.from(await read(content))).toEqual(bytes.subarray(start, end));
      }
    });

    test(`a body of unknown length, by ${how}`, async () => {
      await using here = await setup((_, response) => {
        response.writeHead(200, generation);
        response.write(bytes.subarray(0, 7));
        response.end(bytes.subarray(7));
      });
      const content = await here.bucket.read("key");
      expect(content).toMatchObject({ size: undefined, range: { start: 0, end: undefined } });
      expect(Buffer.from(await read(content))).toEqual(bytes);
    });
  }

  test("a connection that breaks while nobody reads fails the read, and nothing else", async () => {
    const broken = Promise.withResolvers<void>();
    await using here = await setup((_, response) => {
      response.on("close", () => broken.resolve());
      response.writeHead(200, { ...generation, "content-length": 20 });
      response.write(bytes.subarray(0, 10), () => response.destroy());
    });
    for (const read of [whole, streamed]) {
      const content = await here.bucket.read("key");
      await broken.promise;
      await expect.poll(() => here.server.open).toBe(0);
      await expectCode(read(content), "UNAVAILABLE");
    }
  });

  test("a range past the end of a whole answer", async () => {
    await using here = await setup(serving(200, { "content-length": 20 }, bytes));
    const reading = here.bucket.read("key", { range: { start: 20, end: 30 } });
    await expectCode(reading, "RANGE_NOT_SATISFIABLE");
  });

  for (const [title, status, headers] of [
    ["another start", 206, { "content-range": "bytes 0-9/20" }],
    ["an earlier start", 206, { "content-range": "bytes 4-14/20" }],
    ["a later start", 206, { "content-range": "bytes 6-14/20" }],
    ["another end", 206, { "content-range": "bytes 5-19/20" }],
    ["no Content-Range", 206, {}],
    ["an unknown size", 206, { "content-range": "bytes 5-14/*" }],
    ["another length", 206, { "content-range": "bytes 5-14/20", "content-length": "20" }],
    ["multiple ranges", 206, { "content-type": "multipart/byteranges; boundary=x" }],
    ["the whole object, of unknown length", 200, { "transfer-encoding": "chunked" }],
  ] as const) {
    test(`an answer to a range with ${title} is refused`, async () => {
      await using here = await setup(serving(status, headers, bytes));
      const reading = here.bucket.read("key", { range: { start: 5, end: 15 } });
      await expectCode(reading, "UNAVAILABLE");
    });
  }

  test("a part where the whole was asked for is refused", async () => {
    const headers = { "content-range": "bytes 0-9/20", "content-length": 10 };
    await using here = await setup(serving(206, headers, bytes.subarray(0, 10)));
    await expectCode(here.bucket.read("key"), "UNAVAILABLE");
  });

  test("a pin that the service ignored is held here", async () => {
    await using here = await setup(serving(200, { "content-length": 20 }, bytes));
    await expectCode(here.bucket.read("key", { ifVersion: "6" }), "PRECONDITION_FAILED");
    await expectCode(here.bucket.read("key", { ifVersion: "abc" }), "PRECONDITION_FAILED");
    expect(await whole(await here.bucket.read("key", { ifVersion: "7" }))).toHaveLength(20);
    const asked = here.server.seen.map(({ query }) => query.get("ifGenerationMatch"));
    expect(asked).toEqual(["6", null, "7"]);
  });
});

describe("compression", () => {
  const packed = gzipSync(Buffer.alloc(1000, "text "));

  test("what is stored compressed is asked for and read as it is stored", async () => {
    // This is the header that keeps the service from decompressing; the answer's own encoding must
    // not be undone here either.
    await using here = await setup(
      serving(
        200,
        {
          "content-encoding": "gzip",
          "x-goog-stored-content-encoding": "gzip",
          "content-length": packed.byteLength,
        },
        packed,
      ),
    );
    const content = await here.bucket.read("key");
    expect(content?.size).toBe(packed.byteLength);
    expect(Buffer.from(await whole(content))).toEqual(packed);
    expect(here.server.seen[0]?.headers["accept-encoding"]).toBe("gzip");
  });

  test("what was decompressed all the same is refused", async () => {
    await using here = await setup(
      serving(200, { "x-goog-stored-content-encoding": "gzip", "content-length": 20 }, bytes),
    );
    await expectCode(here.bucket.read("key"), "UNAVAILABLE");
  });

  test("what was compressed for the way is asked for again, plain", async () => {
    await using here = await setup((seen, response) => {
      const plain = seen.headers["accept-encoding"] === "identity";
      const body = plain ? bytes : gzipSync(bytes);
      response.writeHead(200, {
        ...generation,
        "x-goog-stored-content-encoding": "identity",
        ...(plain ? {} : { "content-encoding": "gzip" }),
        "content-length": body.byteLength,
      });
      response.end(body);
    });
    expect(Buffer.from(await whole(await here.bucket.read("key")))).toEqual(bytes);
    expect(here.server.seen).toHaveLength(2);
  });

  test("compressed lists are read", async () => {
    const page = JSON.stringify({ items: [{ name: "a", size: "1", generation: "1" }] });
    await using here = await setup(serving(200, { "content-encoding": "gzip" }, gzipSync(page)));
    for await (const info of here.bucket.list("")) expect(info.key).toBe("a");
    expect(here.server.seen).toHaveLength(1);
  });
});

describe("refusals", () => {
  const statuses: readonly [number, string, Record<string, string>, object][] = [
    [503, "backendError", {}, { code: "UNAVAILABLE", persistence: "transient" }],
    [500, "internalError", {}, { code: "UNAVAILABLE" }],
    [503, "x", { "retry-after": "3" }, { code: "UNAVAILABLE", retryAfterMs: 3000 }],
    [429, "x", { "retry-after": "7" }, { code: "RATE_LIMITED", retryAfterMs: 7000 }],
    [403, "forbidden", {}, { code: "PERMISSION_DENIED" }],
    [403, "userRateLimitExceeded", {}, { code: "RATE_LIMITED" }],
    [302, "found", { location: "http://127.0.0.1:1/" }, { code: "UNAVAILABLE" }],
    [401, "authError", {}, { code: "UNAUTHENTICATED" }],
  ];

  for (const [status, reason, headers, expected] of statuses) {
    test(`${status} ${reason} ${JSON.stringify(headers)} from every operation`, async () => {
      await using here = await setup((_, response) => {
        refuse(response, status, reason, "because", headers);
      });
      const { bucket, server } = here;
      const operations: readonly [string, () => Promise<unknown>][] = [
        ["head", () => bucket.head("key")],
        ["read", () => bucket.read("key")],
        ["put", () => bucket.put("key", bytes)],
        ["delete", () => bucket.delete("key")],
        ["list", () => iterate(bucket.list(""))],
        ["listPrefixes", () => iterate(bucket.listPrefixes(""))],
      ];
      for (const [operation, run] of operations) {
        const before = server.seen.length;
        const error = await run().catch((failure: unknown) => failure);
        expect(error).toMatchObject({ ...expected, operation, source: "gs://weather" });
        expect(server.seen.length - before, "requests, none of them a retry").toBe(1);
      }
      // One serves them all; a second where a refusal was still being read away.
      expect(server.connections).toBeLessThanOrEqual(2);
    });
  }

  test("a 404 is a miss, and the bucket is asked for once", async () => {
    await using here = await setup((seen, response) => {
      if (seen.path === "/storage/v1/b/weather") json(response, 200, { name: "weather" });
      else refuse(response, 404, "notFound");
    });
    for (const key of ["a", "b", "c"]) {
      expect(await here.bucket.head(key)).toBeUndefined();
      expect(await here.bucket.read(key)).toBeUndefined();
      expect(await here.bucket.delete(key)).toBe(false);
    }
    expect(here.server.seen.filter(({ path }) => path.endsWith("/weather"))).toHaveLength(1);
    expect(here.server.seen).toHaveLength(10);
  });

  test("a bucket whose existence may not be known is there", async () => {
    for (const status of [401, 403]) {
      await using here = await setup((seen, response) => {
        refuse(response, seen.path === "/storage/v1/b/weather" ? status : 404);
      });
      expect(await here.bucket.head("key")).toBeUndefined();
    }
  });

  test("a question about the bucket that fails is no miss", async () => {
    await using here = await setup((seen, response) => {
      refuse(response, seen.path === "/storage/v1/b/weather" ? 503 : 404);
    });
    const error = await expectCode(here.bucket.read("key"), "UNAVAILABLE");
    expect(error).toMatchObject({ operation: "read", subject: "key" });
    await expectCode(here.bucket.delete("key"), "UNAVAILABLE");
  });

  test("an answer that is no JSON says to check the endpoint", async () => {
    await using here = await setup(serving(200, {}, Buffer.from("<html>hello</html>")));
    const error = await expectCode(here.bucket.head("key"), "UNAVAILABLE");
    expect(error.message).toContain("check `endpoint`");
    await expectCode(here.bucket.put("key", bytes), "UNAVAILABLE");
  });

  test("a service that stores another number of bytes", async () => {
    await using here = await setup((_, response) => json(response, 200, { size: "19" }));
    const error = await expectCode(here.bucket.put("key", bytes), "UNAVAILABLE");
    expect(error.message).toContain("19 bytes of 20");
  });

  test("nobody listens, and nobody has the name", async () => {
    const closed = await scriptedServer(() => undefined);
    await closed[Symbol.asyncDispose]();
    for (const endpoint of [closed.endpoint, "http://name.invalid"]) {
      await using bucket = gcsBucket({ bucket: "weather", endpoint, environment: {} });
      await expectCode(bucket.read("key"), "UNAVAILABLE");
      await expectCode(bucket.put("key", bytes), "UNAVAILABLE");
    }
  });
});

describe("hanging", () => {
  test("an abort ends a call that is never answered, and its connection", async () => {
    const reached = Promise.withResolvers<void>();
    await using here = await setup(() => reached.resolve());
    for (const call of [
      (signal: AbortSignal) => here.bucket.head("key", { signal }),
      (signal: AbortSignal) => here.bucket.read("key", { signal }),
      (signal: AbortSignal) => here.bucket.put("key", bytes, { signal }),
      (signal: AbortSignal) => here.bucket.delete("key", { signal }),
      (signal: AbortSignal) => iterate(here.bucket.list("", { signal })),
    ]) {
      const controller = new AbortController();
      const calling = call(controller.signal);
      await reached.promise;
      controller.abort();
      await expectCode(calling, "ABORTED");
    }
    await expect.poll(() => here.server.open).toBe(0);
  });

  test("an abort ends a body that stalls", async () => {
    await using here = await setup((_, response) => {
      response.writeHead(200, { ...generation, "content-length": 20 });
      response.write(bytes.subarray(0, 10));
    });
    for (const read of [whole, streamed]) {
      const controller = new AbortController();
      const content = await here.bucket.read("key", { signal: controller.signal });
      const reading = read(content);
      controller.abort();
      await expectCode(reading, "ABORTED");
    }
    await expect.poll(() => here.server.open).toBe(0);
  });

  test("a read that is disposed unread closes its connection, a read one keeps it", async () => {
    const body = Buffer.alloc(4 * 1024 * 1024);
    await using here = await setup(serving(200, { "content-length": body.byteLength }, body));
    for (let turn = 0; turn < 3; turn += 1)
      expect(await whole(await here.bucket.read("k"))).toHaveLength(body.byteLength);
    expect(here.server.connections).toBe(1);
    const unread = await here.bucket.read("key");
    await unread?.[Symbol.asyncDispose]();
    await expect.poll(() => here.server.open).toBe(0);
    await expectCode(unread?.bytes() ?? Promise.resolve(), "UNAVAILABLE");
  });
});

async function iterate(items: AsyncIterable<unknown>): Promise<void> {
  for await (const item of items) expect(item).toBeDefined();
}
