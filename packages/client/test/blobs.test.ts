import { type Content, type Digest, digestOf, isStoreError } from "@bitstore/core";
import { expect, test } from "vitest";
import { bitstoreClient } from "../src/index.ts";
import { bodyOf, rudeServer, sendJson, sendProblem } from "./rude-server.ts";

// What the client makes of servers that misbehave, each a real one: broken bodies, wrong headers,
// redirects, strangers' 404s, stalls. A reader never sees a clean end on half of a blob.

const bytes = Buffer.alloc(300_000, "bitstore");
const digest = await digestOf(bytes, "sha256");
const path = `/v1/blobs/${digest}`;

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    (value) => expect.fail(`expected a rejection, got ${typeof value}`),
    (reason: unknown) => reason,
  );
  if (!isStoreError(error)) throw error;
  expect(error.message + JSON.stringify(error)).not.toContain("a-secret-token");
  return error;
}

async function opened(reading: Promise<Content | undefined>): Promise<Content> {
  return (await reading) ?? expect.fail("expected a read, got a miss");
}

const cutBodies: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "of a declared length": { "content-length": `${bytes.byteLength}` },
  chunked: {},
};
for (const [kind, headers] of Object.entries(cutBodies)) {
  test(`a body ${kind} that breaks off never ends cleanly`, async () => {
    await using server = await rudeServer((_, response) => {
      response.writeHead(200, { etag: `"${digest}"`, ...headers });
      response.write(bytes.subarray(0, 100_000), () => response.destroy());
    });
    const content = await opened(server.client.store.open(digest));
    const seen: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of content.body) seen.push(chunk);
    })();
    expect(await failure(reading)).toMatchObject({ code: "UNAVAILABLE", operation: "open" });
    expect(Buffer.concat(seen).byteLength).toBeLessThanOrEqual(100_000);
    const whole = await opened(server.client.store.open(digest));
    expect(await failure(whole.bytes())).toMatchObject({ code: "UNAVAILABLE" });
  });
}

test("a miss is a bitstore's own word: any other 404 is none", async () => {
  await using server = await rudeServer((request, response) => {
    if (request.headers["accept"] === "application/octet-stream") {
      response.writeHead(404, { "content-type": "text/html" }).end("<p>no such page");
    } else {
      response.writeHead(404, { "content-type": "application/problem+json" }).end();
    }
  });
  const { store } = server.client;
  const error = await failure(store.open(digest));
  expect(error).toMatchObject({ code: "NOT_FOUND" });
  expect(error.message).toContain("there is no bitstore at that address");
  expect(await store.stat(digest)).toBeUndefined();
});

test("a redirect is not followed, and the token goes nowhere else", async () => {
  await using elsewhere = await rudeServer((_, response) => sendJson(response, 200, {}));
  for (const status of [301, 302, 307, 308]) {
    await using server = await rudeServer((_, response) => {
      response.writeHead(status, { location: elsewhere.url + path }).end();
    });
    const error = await failure(server.client.store.open(digest));
    expect(error).toMatchObject({ code: "INTERNAL", persistence: "permanent" });
    expect(error.message).toContain("redirects");
    expect(server.seen).toHaveLength(1);
  }
  expect(elsewhere.seen).toEqual([]);
});

test("the token is sent as a bearer, and a URL with a secret is refused", async () => {
  await using server = await rudeServer((_, response) =>
    sendProblem(response, 401, "UNAUTHENTICATED"),
  );
  expect(await failure(server.client.store.stat(digest))).toMatchObject({
    code: "UNAUTHENTICATED",
  });
  expect(server.seen[0]?.headers["authorization"]).toBe("Bearer a-secret-token");
  for (const url of ["https://me:a-secret-token@host", "ftp://host", "host", "http://h?x=1"]) {
    expect(() => bitstoreClient({ url })).toThrow(/^open client: (?!.*a-secret-token)/);
  }
});

test("what failed for a while is asked again, and then is exhausted", async () => {
  await using server = await rudeServer((_, response, count) => {
    if (count < 3) return sendProblem(response, 503, "UNAVAILABLE", {}, { "retry-after": "0" });
    if (count === 3) {
      response.writeHead(200, { etag: `"${digest}"`, "content-length": bytes.byteLength });
      return response.end(bytes);
    }
    return sendProblem(response, 429, "RATE_LIMITED", { retryAfterMs: 1 });
  });
  const content = await opened(server.client.store.open(digest));
  expect(Buffer.compare(await content.bytes(), bytes)).toBe(0);
  expect(content).toMatchObject({ size: bytes.byteLength, version: digest, verified: false });
  const error = await failure(server.client.store.delete(digest));
  expect(error).toMatchObject({ code: "RATE_LIMITED", persistence: "exhausted", retryAfterMs: 1 });
  expect(server.seen).toHaveLength(3 + 4);
});

test("what won't change is not asked again; nor anything where a layer above repeats", async () => {
  await using server = await rudeServer((_, response) =>
    sendProblem(response, 403, "PERMISSION_DENIED"),
  );
  await failure(server.client.store.stat(digest));
  expect(server.seen).toHaveLength(1);
  await using single = await rudeServer(
    (_, response) => sendProblem(response, 503, "UNAVAILABLE", { persistence: "exhausted" }),
    { attemptsMax: 1 },
  );
  const error = await failure(single.client.store.open(digest));
  expect(error).toMatchObject({ code: "UNAVAILABLE", persistence: "transient" });
  expect(single.seen).toHaveLength(1);
});

test("each tier's attempt comes back with the error", async () => {
  const attempts = [
    { tier: "disk", outcome: "miss", elapsedMs: 1.5, bytes: 0 },
    {
      tier: "cloud",
      outcome: "failed",
      elapsedMs: 2,
      bytes: 10,
      error: { code: "TIMEOUT", message: "slow" },
    },
  ];
  await using server = await rudeServer(
    (_, response) => sendProblem(response, 503, "UNAVAILABLE", { attempts }),
    { attemptsMax: 1 },
  );
  const error = await failure(server.client.store.open(digest));
  expect(error).toMatchObject({ attempts: [attempts[0], { tier: "cloud", outcome: "failed" }] });
  expect("attempts" in error && JSON.stringify(error.attempts)).toContain("TIMEOUT");
});

test("a put opens its body again for each attempt, and never after the body threw", async () => {
  const bodies: Buffer[] = [];
  await using server = await rudeServer(async (request, response, count) => {
    const body = await bodyOf(request).catch(() => undefined);
    if (body === undefined) return;
    bodies.push(body);
    if (count === 1) return sendProblem(response, 503, "UNAVAILABLE");
    return sendJson(response, 201, { digest, size: body.byteLength });
  });
  let openings = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    openings += 1;
    for (let at = 0; at < bytes.byteLength; at += 50_000) yield bytes.subarray(at, at + 50_000);
  }
  const put = await server.client.store.put(chunks, { digest });
  expect(put).toEqual({ digest, size: bytes.byteLength, outcome: "created" });
  expect(openings).toBe(2);
  expect(bodies.map((body) => Buffer.compare(body, bytes))).toEqual([0, 0]);
  const own = new Error("the body's own");
  async function* throwing(): AsyncGenerator<Uint8Array> {
    openings += 1;
    yield bytes;
    throw own;
  }
  await expect(server.client.store.put(throwing)).rejects.toBe(own);
  expect(openings).toBe(3);
});

test("a server that says it stored something else is not believed", async () => {
  let answered: unknown = { digest, size: 1 };
  await using server = await rudeServer(async (request, response) => {
    await bodyOf(request);
    sendJson(response, 201, answered);
  });
  const { store } = server.client;
  const other: Digest = await digestOf(Buffer.from("other"), "sha256");
  for (answered of [{ digest, size: 1 }, { digest: other, size: 300_000 }, { size: 300_000 }, []]) {
    expect(await failure(store.put(bytes, { digest }))).toMatchObject({ code: "INTERNAL" });
  }
});

test("a server that says nothing for too long is given up", async () => {
  await using server = await rudeServer(
    (request, response) => {
      if (request.method === "HEAD") return;
      response.writeHead(200, { etag: `"${digest}"` });
      response.write("some");
    },
    { attemptsMax: 1, answerMs: 30, connectMs: 30, stallMs: 50 },
  );
  expect(await failure(server.client.store.stat(digest))).toMatchObject({ code: "TIMEOUT" });
  const content = await opened(server.client.store.open(digest));
  expect(await failure(content.bytes())).toMatchObject({ code: "TIMEOUT" });
});

test("answers about another blob or another range are refused", async () => {
  const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "another blob": { etag: '"other"', "content-range": "bytes 5-9/300000" },
    "another range": { etag: `"${digest}"`, "content-range": "bytes 4-9/300000" },
    "a shorter range": { etag: `"${digest}"`, "content-range": "bytes 5-8/300000" },
    "no range": { etag: `"${digest}"` },
  };
  for (const [what, headers] of Object.entries(wrong)) {
    await using server = await rudeServer((_, response) => {
      response.writeHead(206, headers).end("12345");
    });
    const opening = server.client.store.open(digest, { range: { start: 5, end: 10 } });
    expect(await failure(opening), what).toMatchObject({ code: "INTERNAL" });
  }
});

test("a range is cut out of the whole where the server sends that", async () => {
  await using server = await rudeServer((_, response) => {
    response.writeHead(200, { etag: `"${digest}"` });
    response.end(bytes);
  });
  const { store } = server.client;
  for (const [start, end] of [
    [1, 2],
    [70_000, 200_000],
    [299_999, undefined],
  ] as const) {
    const content = await opened(store.open(digest, { range: { start, end } }));
    expect(Buffer.compare(await content.bytes(), bytes.subarray(start, end))).toBe(0);
  }
  const past = await opened(store.open(digest, { range: { start: 300_000, end: undefined } }));
  expect(await failure(past.bytes())).toMatchObject({ code: "RANGE_NOT_SATISFIABLE" });
});

test("short answers leave their connection to the next request", async () => {
  await using server = await rudeServer((request, response) => {
    if (request.method === "HEAD") {
      response.writeHead(200, { "content-length": "300000" }).end();
    } else if (request.method === "DELETE") {
      response.writeHead(204).end();
    } else {
      sendProblem(response, 404, "NOT_FOUND");
    }
  });
  const { store } = server.client;
  for (let turn = 0; turn < 3; turn += 1) {
    expect(await store.stat(digest)).toEqual({ digest, size: 300_000 });
    expect(await store.delete(digest)).toBe(true);
    expect(await store.open(digest)).toBeUndefined();
  }
  // A second one is opened where a request comes before the first is known to be free.
  expect(server.connections()).toBeLessThanOrEqual(2);
});

test("nothing that listens is UNAVAILABLE, and so is a client that was disposed", async () => {
  const server = await rudeServer(() => undefined, { attemptsMax: 1 });
  await server[Symbol.asyncDispose]();
  expect(await failure(server.client.store.stat(digest))).toMatchObject({
    code: "UNAVAILABLE",
    persistence: "permanent",
  });
  await using fresh = bitstoreClient({
    url: server.url,
    limits: { attemptsMax: 1 },
    environment: {},
  });
  expect(await failure(fresh.store.stat(digest))).toMatchObject({
    code: "UNAVAILABLE",
    serviceCode: "ECONNREFUSED",
  });
});
