import { digestOf, retryOf, isStoreError, type TagEntry } from "@bitstore/core";
import { expect, test } from "vitest";
import { bodyOf, rudeServer, sendJson, sendProblem } from "./rude-server.ts";

// What the client makes of lost answers and broken watches: a write keeps its nonce through all of its
// attempts and is INDETERMINATE where nobody says what became of it; a watch goes on after the last
// entry that came, without a gap and without a repetition.

const digest = await digestOf(Buffer.from("blob"), "sha256");

function entry(seq: number): TagEntry {
  return {
    namespace: "default",
    tag: "a/b",
    seq,
    op: "set",
    target: { digest, size: 4 },
    nonce: seq.toString(16).padStart(32, "0"),
    actor: "tester",
    client: "test",
    time: new Date(seq * 1000).toISOString(),
    recent: [],
    sha256: "0".repeat(64),
    ...(seq === 1 ? {} : { prev: { seq: seq - 1, sha256: "0".repeat(64) } }),
  };
}

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.catch((reason: unknown) => reason);
  return isStoreError(error) ? error : expect.fail(`expected a StoreError, got ${String(error)}`);
}

test("an answer that is lost is asked for again under the same nonce", async () => {
  await using server = await rudeServer(async (request, response, count) => {
    const body = JSON.parse((await bodyOf(request)).toString()) as unknown;
    expect(body).toEqual({ digest, actor: "me", reason: "why" });
    if (count === 1) return void response.destroy();
    if (count === 2) return void response.writeHead(502).end("a proxy's own words");
    return sendJson(response, 200, entry(7));
  });
  const said = { actor: "me", reason: "why", expect: 6 };
  expect(await server.client.tags.append("a/b", digest, said)).toEqual(entry(7));
  expect(server.seen).toHaveLength(3);
  const [first] = server.seen;
  expect(first).toMatchObject({ method: "PUT", headers: { "if-match": '"6"' } });
  expect(first?.url).toBe("/v1/tags/a%2Fb");
  expect(first?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
  for (const { headers } of server.seen) {
    expect(headers["idempotency-key"]).toBe(first?.headers["idempotency-key"]);
  }
});

test("a write of which nobody knows is INDETERMINATE, with its nonce", async () => {
  await using server = await rudeServer(async (request, response) => {
    if (request.method === "GET") return sendJson(response, 200, entry(5));
    await bodyOf(request);
    response.destroy();
  });
  const { tags } = server.client;
  await tags.head("a/b");
  const error = await errorOf(tags.remove("a/b"));
  expect(error).toMatchObject({ code: "INDETERMINATE", subject: "a/b", operation: "delete" });
  const nonce = server.seen.at(-1)?.headers["idempotency-key"];
  expect(retryOf(error as never)).toEqual({ nonce, base: 5 });
});

test("what the server says of an open write is handed on", async () => {
  const retry = { nonce: "f".repeat(32), base: 3 };
  await using server = await rudeServer(async (request, response) => {
    await bodyOf(request);
    sendProblem(response, 503, "INDETERMINATE", { retry });
  });
  const error = await errorOf(server.client.tags.append("a/b", digest));
  expect(error).toMatchObject({ code: "INDETERMINATE" });
  expect(retryOf(error as never)).toEqual(retry);
  expect(server.seen).toHaveLength(1);
});

test("a write that a server refused for a while, or that never left, did not happen", async () => {
  const server = await rudeServer(async (request, response) => {
    await bodyOf(request);
    sendProblem(response, 503, "UNAVAILABLE");
  });
  const { tags } = server.client;
  const refused = await errorOf(tags.append("a/b", digest));
  expect(refused).toMatchObject({ code: "UNAVAILABLE", persistence: "exhausted" });
  await server[Symbol.asyncDispose]();
});

test("a refused write tells the entry that it met, or that there was none", async () => {
  let current: TagEntry | null = entry(2);
  await using server = await rudeServer(async (request, response) => {
    await bodyOf(request);
    sendProblem(response, 412, "PRECONDITION_FAILED", { current });
  });
  const writing = server.client.tags.append("a/b", digest, { expect: "absent" });
  expect(await errorOf(writing)).toMatchObject({ code: "PRECONDITION_FAILED", current });
  expect(server.seen[0]?.headers["if-none-match"]).toBe("*");
  current = null;
  const second = await errorOf(server.client.tags.append("a/b", digest, { expect: digest }));
  expect("current" in second && second.current).toBeUndefined();
  expect(server.seen[1]?.headers["if-match"]).toBe(`"${digest}"`);
});

test("an entry of an operation that is not known is refused, never skipped", async () => {
  await using server = await rudeServer((_, response) =>
    sendJson(response, 200, { ...entry(1), op: "move" }),
  );
  expect(await errorOf(server.client.tags.head("a/b"))).toMatchObject({ code: "UNSUPPORTED" });
});

test("a watch goes on after the last entry, over connections that break", async () => {
  const event = (seq: number): string => `id: ${seq}\ndata: ${JSON.stringify(entry(seq))}\n\n`;
  await using server = await rudeServer((request, response, count) => {
    if (count === 2) return sendProblem(response, 503, "UNAVAILABLE");
    response.writeHead(200, { "content-type": "text/event-stream" });
    if (count === 1) {
      response.write(": a sign of life\r\n\r\n");
      // One event in two chunks, one with the line ends of another system, and half of a third.
      response.write(event(3).slice(0, 20));
      response.write(event(3).slice(20) + event(4).replaceAll("\n", "\r\n"));
      response.write(event(5).slice(0, 30), () => response.destroy());
    } else if (count === 3) {
      // One that came already, and one after a gap: neither is to be seen.
      response.write(event(4) + event(6));
    } else {
      const after = Number(request.headers["last-event-id"]);
      response.write(event(after + 1) + event(after + 2));
    }
  });
  const seen: number[] = [];
  const abort = new AbortController();
  const watching = (async () => {
    for await (const { seq } of server.client.tags.watch("a/b", {
      since: 2,
      signal: abort.signal,
    })) {
      seen.push(seq);
      if (seq === 6) abort.abort();
    }
  })();
  expect(await errorOf(watching)).toMatchObject({ code: "ABORTED" });
  expect(seen).toEqual([3, 4, 5, 6]);
  expect(server.seen.map(({ headers }) => headers["last-event-id"])).toEqual(["2", "4", "4", "4"]);
  expect(server.seen[0]?.url).toBe("/v1/tags/a%2Fb/watch?since=2");
});

test("a watch that hears nothing connects again; what can't be helped ends it", async () => {
  await using server = await rudeServer(
    (_, response, count) => {
      if (count === 3) return sendProblem(response, 403, "PERMISSION_DENIED");
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
    },
    { watchStallMs: 20 },
  );
  const watching = server.client.tags.watch("a/b", { since: 0 })[Symbol.asyncIterator]();
  expect(await errorOf(watching.next())).toMatchObject({ code: "PERMISSION_DENIED" });
  expect(server.seen).toHaveLength(3);
});
