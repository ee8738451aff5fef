import { digestOf } from "@bitstore/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import { eventually, startServer, type TestServer, testBlob } from "./test-server.ts";

// A server that stores what is PUT once the whole request is there, create-only, as RFC 9110 says.
let server: TestServer;
let stored: Map<string, Uint8Array>;
let status: number | undefined;
let incomplete: number;

beforeEach(async () => {
  stored = new Map();
  status = undefined;
  incomplete = 0;
  server = await startServer(async (request, response) => {
    const url = request.url ?? "";
    if (request.method === "PUT") {
      const chunks: Uint8Array[] = [];
      try {
        for await (const chunk of request) chunks.push(chunk as Uint8Array);
      } catch {
        incomplete += 1;
        return;
      }
      const isTaken = stored.has(url) && request.headers["if-none-match"] === "*";
      if (!isTaken && status === undefined) stored.set(url, Buffer.concat(chunks));
      response.writeHead(status ?? (isTaken ? 412 : 201)).end();
      return;
    }
    const found = stored.get(url);
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${server.origin}/{algorithm}/{hex}`, put: true, ...options });

async function* pieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes)
    yield bytes.subarray(at, at + pieceBytes);
}

describe("a put", () => {
  test.each([0, 1, 65_536, 1_000_000])("of %i bytes can be read back", async (size) => {
    const { bytes, digest } = await testBlob(size);
    await using source = make();
    expect(source.capabilities.put).toBe(true);
    const created = { digest, size, outcome: "created" };
    const bodies = [bytes, () => pieces(bytes, 10_000)];
    for (const body of bodies) {
      for (const options of [{ digest }, { digest, size }, {}, { algorithm: "sha256" as const }]) {
        stored.clear();
        expect(await source.put(body, options)).toEqual(created);
        expect(Buffer.compare((await (await source.open(digest))?.bytes())!, bytes)).toBe(0);
      }
    }
  });

  test("without a digest is named by the algorithm, also above what is kept in memory", async () => {
    const { bytes } = await testBlob(5 * 2 ** 20);
    await using source = make();
    const put = await source.put(() => pieces(bytes, 1_000_000), { algorithm: "sha1" });
    expect(put.digest).toBe(await digestOf(bytes, "sha1"));
    expect(Buffer.compare(stored.get(`/sha1/${put.digest.slice(5)}`)!, bytes)).toBe(0);
  });

  test("declares its length where that is known", async () => {
    const { bytes, digest } = await testBlob(1000);
    await using source = make();
    await source.put(bytes, { digest });
    stored.clear();
    await source.put(() => pieces(bytes, 100), { digest, size: 1000 });
    stored.clear();
    await source.put(() => pieces(bytes, 100), { digest });
    const lengths = server.seen.map(({ headers }) => headers["content-length"]);
    expect(lengths).toEqual(["1000", "1000", undefined]);
  });

  test("of what is there is read again, and existed if it is right", async () => {
    const { bytes, digest } = await testBlob(1000);
    await using source = make({ concurrencyMax: 1 });
    await source.put(bytes, { digest });
    expect(await source.put(bytes, { digest })).toEqual({ digest, size: 1000, outcome: "existed" });
    const [url = ""] = stored.keys();
    stored.set(url, Buffer.from("rotten"));
    await expect(source.put(bytes, { digest })).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(Buffer.from(stored.get(url)!).toString()).toBe("rotten");
  });
});

describe("nothing is stored", () => {
  test("where bytes are not what the digest names", async () => {
    const { digest } = await testBlob(1000);
    await using source = make();
    await expect(source.put(new Uint8Array(1000), { digest })).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    expect(server.seen).toEqual([]);
  });

  test("where a stream is not what the digest names, though most of it was sent", async () => {
    // More than the buffers of two sockets hold, so that the server is in the middle of it.
    const { digest } = await testBlob(8_000_000);
    const other = new Uint8Array(8_000_000);
    await using source = make();
    for (const size of [8_000_000, undefined]) {
      const putting = source.put(() => pieces(other, 100_000), { digest, size });
      await expect(putting).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    }
    await eventually(() => incomplete === 2);
    expect(stored.size).toBe(0);
  });

  test("where the size is another", async () => {
    const { bytes, digest } = await testBlob(1000);
    await using source = make();
    for (const size of [0, 999, 1001]) {
      await expect(source.put(bytes, { digest, size })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
      await expect(source.put(() => pieces(bytes, 100), { digest, size })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }
    await eventually(() => server.openRequests === 0);
    expect(stored.size).toBe(0);
  });

  test("where the body throws, and that is what is thrown", async () => {
    const { bytes, digest } = await testBlob(100_000);
    const cause = new Error("the disk is gone");
    await using source = make();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 50_000);
      throw cause;
    }
    await expect(source.put(broken, { digest })).rejects.toBe(cause);
    await expect(source.put(broken)).rejects.toBe(cause);
    await eventually(() => server.openRequests === 0);
    expect(stored.size).toBe(0);
  });

  test("where the caller aborts", async () => {
    const { bytes, digest } = await testBlob(100_000);
    const controller = new AbortController();
    await using source = make();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 50_000);
      controller.abort();
      await new Promise(() => undefined);
    }
    const putting = source.put(slow, { digest, signal: controller.signal });
    await expect(putting).rejects.toMatchObject({ code: "ABORTED" });
    await eventually(() => server.openRequests === 0);
    expect(stored.size).toBe(0);
    // The slot is free again.
    await source.put(bytes, { digest });
  });
});

test.each([
  [202, "INDETERMINATE"],
  [301, "UNAVAILABLE"],
  [400, "INTERNAL"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "INTERNAL"],
  [405, "UNSUPPORTED"],
  [409, "UNAVAILABLE"],
  [412, "UNAVAILABLE"],
  [413, "TOO_LARGE"],
  [422, "DIGEST_MISMATCH"],
  [429, "RATE_LIMITED"],
  [503, "UNAVAILABLE"],
])("a put that is answered %i is %s", async (answer, code) => {
  status = answer;
  const { bytes, digest } = await testBlob(1000);
  await using source = make();
  await expect(source.put(bytes, { digest })).rejects.toMatchObject({ code, operation: "put" });
});

test("an answer before the whole body was sent is heeded", async () => {
  await using early = await startServer((_, response) => {
    response.writeHead(413, { connection: "close" }).end();
  });
  const { bytes, digest } = await testBlob(8_000_000);
  await using source = httpSource({ url: `${early.origin}/{hex}`, put: true });
  const putting = source.put(() => pieces(bytes, 100_000), { digest });
  // What wins, the answer or the reset of the connection that follows it, is the kernel's choice.
  await expect(putting).rejects.toMatchObject({
    code: expect.stringMatching(/^(?:TOO_LARGE|UNAVAILABLE)$/),
  });
});
