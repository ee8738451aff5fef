import { createHash, randomBytes } from "node:crypto";
import {
  bucketStore,
  contentOfStream,
  defineTier,
  digestOf,
  memoryBucket,
  memoryCache,
  type BlobStore,
  shardedLayout,
} from "@bitstore/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openServer, type OpenServer } from "./support/open-server.ts";
import { rawConnection } from "./support/raw-request.ts";

// Blobs over a live server on a port of its own: undici's fetch where it can say what is to be said, a
// bare socket where it can't.

const hello = Buffer.from("hello");
const helloDigest = await digestOf(hello, "sha256");
const none = `sha256:${"0".repeat(64)}`;

interface Problem {
  readonly code: string;
  readonly status: number;
  readonly requestId: string;
}
const problemOf = async (response: Response): Promise<Problem> => {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return (await response.json()) as Problem;
};

describe("blobs", () => {
  let served: OpenServer;
  let url = "";
  beforeAll(async () => {
    served = await openServer();
    url = `${served.url}/v1/blobs`;
    await fetch(url, { method: "POST", body: hello });
  });
  afterAll(() => served[Symbol.asyncDispose]());

  test("are stored once under the digest that they have", async () => {
    const body = randomBytes(100);
    const digest = await digestOf(body, "sha512");
    const first = await fetch(`${url}?algorithm=sha512`, { method: "POST", body });
    expect(first.status).toBe(201);
    expect(first.headers.get("location")).toBe(`/v1/blobs/${digest}`);
    expect(await first.json()).toEqual({ digest, size: 100 });
    const second = await fetch(`${url}?algorithm=sha512`, { method: "POST", body });
    expect(second.status).toBe(200);
  });

  test("are stored from chunks of any number, and read back whole", async () => {
    const chunk = randomBytes(256 * 1024);
    const hash = createHash("sha256");
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < 40; n += 1) {
        hash.update(chunk);
        yield chunk;
      }
    };
    const put = await fetch(url, { method: "POST", body: chunks(), duplex: "half" });
    expect(put.status).toBe(201);
    const digest = `sha256:${hash.digest("hex")}`;
    expect(await put.json()).toEqual({ digest, size: 40 * chunk.byteLength });
    const got = await fetch(`${url}/${digest}`);
    const bytes = Buffer.from(await got.arrayBuffer());
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(digest.slice(7));
  });

  test.each([1000, 600_000])(
    "of %i bytes that don't match are refused and not stored",
    async (n) => {
      const [body, other] = [randomBytes(n), randomBytes(n)];
      const digest = await digestOf(other, "sha256");
      const put = await fetch(`${url}/${digest}`, { method: "PUT", body });
      expect(put.status).toBe(422);
      expect(await problemOf(put)).toMatchObject({ code: "DIGEST_MISMATCH" });
      expect((await fetch(`${url}/${digest}`)).status).toBe(404);
    },
  );

  test("that are there already are put again, streamed and of unknown length", async () => {
    const body = randomBytes(700_000);
    const digest = await digestOf(body, "sha256");
    const put = (): Promise<Response> => {
      const chunks = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < body.byteLength; at += 50_000) yield body.subarray(at, at + 50_000);
      };
      return fetch(`${url}/${digest}`, { method: "PUT", body: chunks(), duplex: "half" });
    };
    expect((await put()).status).toBe(201);
    expect((await put()).status).toBe(200);
  });

  test("have headers that let nobody take them for a page", async () => {
    const { headers } = await fetch(`${url}/${helloDigest}`);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "application/octet-stream",
      "content-length": "5",
      "x-content-type-options": "nosniff",
      "content-disposition": "attachment",
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "public, max-age=31536000, immutable",
      "accept-ranges": "bytes",
      etag: `"${helloDigest}"`,
      "repr-digest": `sha-256=:${createHash("sha256").update(hello).digest("base64")}:`,
      "x-bitstore-tier": "ours",
    });
  });

  test.each([
    ["bytes=1-2", 206, "bytes 1-2/5", "el"],
    ["bytes=1-", 206, "bytes 1-4/5", "ello"],
    ["bytes=0-", 206, "bytes 0-4/5", "hello"],
    ["bytes=-2", 206, "bytes 3-4/5", "lo"],
    ["bytes=-9", 206, "bytes 0-4/5", "hello"],
    ["bytes=3-99", 206, "bytes 3-4/5", "lo"],
    ["bytes=3-1", 200, null, "hello"],
    ["bytes=0-0,2-2", 200, null, "hello"],
    ["lines=1-2", 200, null, "hello"],
  ])("in the range %s are %i", async (range, status, contentRange, text) => {
    const response = await fetch(`${url}/${helloDigest}`, { headers: { range } });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(await response.text()).toBe(text);
  });

  test.each(["bytes=5-", "bytes=9-12", "bytes=-0"])(
    "outside of which %s lies say so",
    async (range) => {
      const response = await fetch(`${url}/${helloDigest}`, { headers: { range } });
      expect(response.status).toBe(416);
      expect(response.headers.get("content-range")).toBe("bytes */5");
      expect(await problemOf(response)).toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
    },
  );

  test("heed If-Range", async () => {
    const get = (tag: string): Promise<Response> =>
      fetch(`${url}/${helloDigest}`, { headers: { range: "bytes=1-2", "if-range": tag } });
    expect((await get(`"${helloDigest}"`)).status).toBe(206);
    expect((await get(`"${none}"`)).status).toBe(200);
    expect((await get(`W/"${helloDigest}"`)).status).toBe(200);
  });

  test("heed conditions without a body being read", async () => {
    const opened: string[] = [];
    const inner = bucketStore(memoryBucket("b"), shardedLayout(""), { name: "b" });
    const origin: BlobStore = {
      ...inner,
      open: (digest, call) => {
        opened.push(digest);
        return inner.open(digest, call);
      },
    };
    await using watched = await openServer({ origin });
    await fetch(`${watched.url}/v1/blobs`, { method: "POST", body: hello });
    const get = (
      path: string,
      headers: Record<string, string>,
      method = "GET",
    ): Promise<Response> => fetch(`${watched.url}/v1/blobs/${path}`, { method, headers });
    const known = await get(helloDigest, { "if-none-match": `"x", W/"${helloDigest}"` });
    expect([known.status, await known.text()]).toEqual([304, ""]);
    expect(known.headers.get("etag")).toBe(`"${helloDigest}"`);
    expect((await get(helloDigest, { "if-none-match": "*" })).status).toBe(304);
    expect((await get(none, { "if-none-match": "*" })).status).toBe(404);
    expect((await get(helloDigest, { "if-match": `"${none}"` })).status).toBe(412);
    const head = await get(helloDigest, {}, "HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "5"]);
    expect((await get(none, {}, "HEAD")).status).toBe(404);
    expect(opened).toEqual([]);
    expect((await get(helloDigest, { "if-none-match": `"${none}"` })).status).toBe(200);
    expect(opened).toEqual([helloDigest]);
    expect((await get(helloDigest, { "if-none-match": "nonsense" })).status).toBe(400);
  });

  test("are deleted, and then gone", async () => {
    const { digest } = (await (
      await fetch(url, { method: "POST", body: "to be deleted" })
    ).json()) as { digest: string };
    expect((await fetch(`${url}/${digest}`, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(`${url}/${digest}`, { method: "DELETE" })).status).toBe(404);
    expect((await fetch(`${url}/${digest}`)).status).toBe(404);
  });

  test("are listed in pages", async () => {
    const all = (await (await fetch(url)).json()) as { blobs: { digest: string }[] };
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = (await (await fetch(`${url}?n=2${after ? `&after=${after}` : ""}`)).json()) as {
        blobs: { digest: string }[];
        next?: string;
      };
      expect(page.blobs.length).toBeLessThanOrEqual(2);
      seen.push(...page.blobs.map(({ digest }) => digest));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(all.blobs.map(({ digest }) => digest));
    expect(seen).toContain(helloDigest);
  });

  test("explain themselves", async () => {
    const said = await fetch(`${served.url}/v1/explain/${helloDigest}`);
    expect(await said.json()).toMatchObject({
      outcome: "found",
      tier: "ours",
      attempts: [{ tier: "ours", outcome: "hit" }],
    });
    const absent = await fetch(`${served.url}/v1/explain/${none}`);
    expect(await absent.json()).toMatchObject({ outcome: "absent" });
  });

  test("are refused where the request is wrong, with what is wrong", async () => {
    const cases: [string, RequestInit, number, string][] = [
      [`${url}/sha256:123`, {}, 400, "INVALID_ARGUMENT"],
      [`${url}?n=0`, {}, 400, "INVALID_ARGUMENT"],
      [`${url}?n=1&n=2`, {}, 400, "INVALID_ARGUMENT"],
      [`${url}?nn=1`, {}, 400, "INVALID_ARGUMENT"],
      [`${url}/${helloDigest}?x=1`, {}, 400, "INVALID_ARGUMENT"],
      [`${url}?algorithm=md5`, { method: "POST", body: "x" }, 400, "INVALID_ARGUMENT"],
      [
        url,
        { method: "POST", body: "x", headers: { "content-encoding": "gzip" } },
        400,
        "INVALID_ARGUMENT",
      ],
      [
        `${url}/${none}`,
        { method: "PUT", body: "x", headers: { "content-range": "bytes 0-0/2" } },
        400,
        "INVALID_ARGUMENT",
      ],
      [`${url}/${none}`, {}, 404, "NOT_FOUND"],
      [`${served.url}/v1/nothing`, {}, 404, "UNSUPPORTED"],
      [url, { method: "PUT", body: "x" }, 405, "UNSUPPORTED"],
    ];
    for (const [where, how, status, code] of cases) {
      const response = await fetch(where, how);
      expect([where, response.status]).toEqual([where, status]);
      const problem = await problemOf(response);
      expect(problem).toMatchObject({ code, status });
      expect(response.headers.get("x-request-id")).toBe(problem.requestId);
    }
    const not = await fetch(url, { method: "PUT", body: "x" });
    expect(not.headers.get("allow")).toBe("GET, POST");
  });
});

describe("an upload", () => {
  test("that is refused is not asked for its body", async () => {
    await using served = await openServer({ limits: { blobBytesMax: 10 } });
    using raw = await rawConnection(served.port);
    raw.send(
      "POST /v1/blobs HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n",
    );
    const { text } = await raw.end();
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).not.toContain("100 Continue");
  });

  test("that waits to be told to send is told once", async () => {
    await using served = await openServer();
    using raw = await rawConnection(served.port);
    raw.send(
      "POST /v1/blobs HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    expect(await raw.until("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    raw.send("hello");
    expect(await raw.until(helloDigest)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  });

  test("that is refused while it is sent is answered, and the connection closed", async () => {
    await using served = await openServer();
    using raw = await rawConnection(served.port);
    raw.send(
      "PUT /v1/blobs/nonsense HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" +
        "x".repeat(50_000),
    );
    const text = await raw.until('"persistence"');
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text.toLowerCase()).toContain("connection: close");
    raw.send("x".repeat(950_000));
    expect((await raw.end()).how).toBe("end");
  });

  test.each(["Content-Length: 900000", "Transfer-Encoding: chunked"])(
    "whose client vanishes (%s) leaves nothing",
    async (length) => {
      const body = randomBytes(900_000);
      const digest = await digestOf(body, "sha256");
      const ended = Promise.withResolvers<number>();
      const bucket = memoryBucket("blobs");
      await using served = await openServer({
        bucket,
        onRequest: ({ status }) => ended.resolve(status),
      });
      {
        using raw = await rawConnection(served.port);
        const chunk = body.subarray(0, 600_000);
        raw.send(`PUT /v1/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n`);
        if (length.startsWith("T")) raw.send(`${chunk.byteLength.toString(16)}\r\n`);
        raw.send(chunk);
        raw.socket.end();
        await raw.end();
      }
      expect(await ended.promise).toBe(499);
      const keys = [];
      for await (const { key } of bucket.list("")) keys.push(key);
      expect(keys.filter((key) => key.startsWith("sha256/"))).toEqual([]);
    },
  );
});

describe("a tier whose bytes turn out to be wrong in mid-stream", () => {
  const size = 6 * 2 ** 20;
  const digest = `sha256:${createHash("sha256").update(Buffer.alloc(size)).digest("hex")}`;

  /** A source of a blob that has the right length and one wrong byte at its end. */
  function corrupt(knowsSize: boolean): BlobStore {
    const inner = memoryCache({ bytesMax: 1, name: "rotten" });
    return {
      ...inner,
      stat: () => Promise.resolve(undefined),
      open: () =>
        Promise.resolve(
          contentOfStream(
            { size: knowsSize ? size : undefined, source: "rotten" },
            async function* () {
              const chunk = Buffer.alloc(2 ** 20);
              for (let n = 0; n < 5; n += 1) yield chunk;
              yield Buffer.alloc(2 ** 20, 1);
            },
          ),
        ),
    };
  }

  test.each([
    ["1.1", true],
    ["1.1", false],
    ["1.0", true],
    ["1.0", false],
  ])("resets the connection, with HTTP/%s and a known size: %s", async (version, knowsSize) => {
    const tiers = [defineTier({ name: "rotten", source: corrupt(knowsSize) })];
    await using served = await openServer({ tiers, metadata: null });
    using raw = await rawConnection(served.port);
    raw.send(`GET /v1/blobs/${digest} HTTP/${version}\r\nHost: localhost\r\n\r\n`);
    const { text, how } = await raw.end();
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text.length).toBeGreaterThan(2 ** 20);
    expect(text.length).toBeLessThan(size);
    expect(text.endsWith("0\r\n\r\n")).toBe(false);
    expect(how).toBe("reset");
  });
});

test("a client that takes nothing holds the tier back", async () => {
  const chunk = Buffer.alloc(2 ** 20);
  const size = 256 * 2 ** 20;
  let given = 0;
  const inner = memoryCache({ bytesMax: 1, name: "endless" });
  const source: BlobStore = {
    ...inner,
    open: () =>
      Promise.resolve(
        contentOfStream({ size, source: "endless" }, async function* () {
          for (; given < size; given += chunk.byteLength) yield chunk;
        }),
      ),
  };
  const tiers = [defineTier({ name: "endless", source })];
  await using served = await openServer({ tiers, metadata: null });
  using raw = await rawConnection(served.port);
  raw.send(`GET /v1/blobs/${none} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await raw.until("\r\n\r\n");
  raw.socket.pause();
  // Nothing is read any more; what was given settles at what buffers hold.
  let before = -1;
  while (before !== given) {
    before = given;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(given).toBeLessThan(size / 2);
});
