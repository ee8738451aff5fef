import { type Digest, digestOf, type TagEntry } from "@bitstore/core";
import { expect, test } from "vitest";
import { bitstoreClient, memoryProofs } from "../src/index.ts";
import { bodyOf, rudeServer, sendJson, sendProblem } from "./rude-server.ts";

// What the client does for a caller who is confined to tags: it shows the receipts that it was given
// when it tags, and reads through a tag what is refused by its digest.

const bytes = Buffer.from("a blob");
const digest = await digestOf(bytes, "sha256");

function entry(tag: string, target: Digest, seq = 1): TagEntry {
  return {
    namespace: "default",
    tag,
    seq,
    op: "set",
    target: { digest: target },
    nonce: "1".padStart(32, "0"),
    actor: "tester",
    client: "test",
    time: new Date(0).toISOString(),
    recent: [],
    sha256: "0".repeat(64),
  };
}

test("a receipt of a put is shown when its blob is tagged, and to no other", async () => {
  const other = await digestOf(Buffer.from("another"), "sha256");
  await using server = await rudeServer(async (request, response) => {
    await bodyOf(request);
    if (request.url?.startsWith("/v1/blobs?") === true) {
      return sendJson(response.setHeader("bitstore-receipt", "v1.a"), 201, { digest, size: 6 });
    }
    return sendJson(response, 201, entry("a", digest));
  });
  const { store, tags } = server.client;
  await store.put(bytes);
  await tags.append("a", digest);
  await tags.append("a", other);
  expect(server.seen.map(({ headers }) => headers["bitstore-receipt"])).toEqual([
    undefined,
    "v1.a",
    undefined,
  ]);
});

test("clients that share their proofs know each other's receipts", async () => {
  await using server = await rudeServer(async (request, response) => {
    await bodyOf(request);
    if (request.url?.startsWith("/v1/blobs?") === true) {
      return sendJson(response.setHeader("bitstore-receipt", "v1.b"), 201, { digest, size: 6 });
    }
    return sendJson(response, 201, entry("a", digest));
  });
  const proofs = memoryProofs();
  await using one = bitstoreClient({ url: server.url, environment: {}, proofs });
  await using two = bitstoreClient({ url: server.url, environment: {}, proofs });
  await one.store.put(bytes);
  await two.tags.append("a", digest);
  expect(server.seen[1]?.headers["bitstore-receipt"]).toBe("v1.b");
});

test("what is refused by its digest is read through the entry that named it", async () => {
  await using server = await rudeServer((request, response) => {
    if (request.url === "/v1/tags/a") return sendJson(response, 200, entry("a", digest));
    if (request.url !== "/v1/tags/a/blob?seq=1")
      return sendProblem(response, 403, "PERMISSION_DENIED");
    expect(request.headers["if-match"]).toBe(`"${digest}"`);
    response.writeHead(200, { etag: `"${digest}"`, "content-length": 6 });
    return void response.end(request.method === "HEAD" ? undefined : bytes);
  });
  const { store, tags } = server.client;
  await expect(store.open(digest)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  await tags.head("a");
  const content = await store.open(digest);
  expect(Buffer.from((await content?.bytes()) ?? []).toString()).toBe("a blob");
  expect(await store.stat(digest)).toEqual({ digest, size: 6 });
  // Of the origin alone a tag tells nothing.
  await expect(store.stat(digest, { durable: true })).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
  });
});

test("each of a tag's entries is read through itself, though the tag has moved on", async () => {
  const later = await digestOf(Buffer.from("later!"), "sha256");
  const asked: (string | undefined)[] = [];
  await using server = await rudeServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://server");
    if (pathname === "/v1/tags/a") {
      const isFirst = searchParams.get("seq") === "1";
      return sendJson(response, 200, isFirst ? entry("a", digest) : entry("a", later, 2));
    }
    if (pathname !== "/v1/tags/a/blob") return sendProblem(response, 403, "PERMISSION_DENIED");
    asked.push(request.url);
    const etag = searchParams.get("seq") === "1" ? digest : later;
    if (request.headers["if-match"] !== `"${etag}"`) {
      return sendProblem(response, 412, "PRECONDITION_FAILED");
    }
    response.writeHead(200, { etag: `"${etag}"`, "content-length": 6 });
    return void response.end(etag === digest ? bytes : "later!");
  });
  const { store, tags } = server.client;
  await tags.get("a", 1);
  await tags.head("a");
  for (const [name, text] of [
    [digest, "a blob"],
    [later, "later!"],
  ] as const) {
    const content = await store.open(name);
    expect(Buffer.from((await content?.bytes()) ?? []).toString()).toBe(text);
  }
  expect(asked).toEqual(["/v1/tags/a/blob?seq=1", "/v1/tags/a/blob?seq=2"]);
});

test.each([403, 404, 412])("where the tag answers %i the refusal stands", async (status) => {
  await using server = await rudeServer((request, response) => {
    if (request.url === "/v1/tags/a") return sendJson(response, 200, entry("a", digest));
    const code = status === 404 ? "NOT_FOUND" : "PRECONDITION_FAILED";
    if (request.url !== "/v1/tags/a/blob?seq=1")
      return sendProblem(response, 403, "PERMISSION_DENIED");
    return sendProblem(response, status, status === 403 ? "PERMISSION_DENIED" : code);
  });
  await server.client.tags.head("a");
  await expect(server.client.store.open(digest)).rejects.toMatchObject({
    code: "PERMISSION_DENIED",
  });
});

test("a blob of a tag is tagged elsewhere by a receipt that is fetched for it, once", async () => {
  await using server = await rudeServer(async (request, response) => {
    await bodyOf(request);
    if (request.method === "GET") return sendJson(response, 200, entry("a", digest));
    if (request.method === "HEAD") {
      response.writeHead(200, { "bitstore-receipt": "v1.c", "content-length": 6 });
      return void response.end();
    }
    if (request.headers["bitstore-receipt"] === "v1.c" && request.url === "/v1/tags/b") {
      return sendJson(response, 201, entry("b", digest));
    }
    return sendProblem(response, 403, "PERMISSION_DENIED");
  });
  const { tags } = server.client;
  await tags.head("a");
  expect(await tags.append("b", digest)).toMatchObject({ tag: "b" });
  const nonces = server.seen.flatMap(({ headers }) => headers["idempotency-key"] ?? []);
  expect(new Set(nonces).size).toBe(1);
  const before = server.seen.length;
  await expect(tags.append("refused", digest)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(server.seen.slice(before).map(({ method }) => method)).toEqual(["PUT", "HEAD", "PUT"]);
});
