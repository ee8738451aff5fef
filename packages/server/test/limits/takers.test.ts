import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { openServer } from "../support/open-server.ts";
import { rawConnection } from "../support/raw-request.ts";

// Clients that ask and don't take what they asked for, and bodies that don't say how long they are.

/** Asks so often for a blob that is sent at once that no kernel holds all of the answers. */
async function greedy(port: number, digest: string): ReturnType<typeof rawConnection> {
  const raw = await rawConnection(port);
  raw.socket.pause();
  raw.send(`GET /v1/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(24));
  return raw;
}

test("an answer that waits in memory for its client is watched like any other", async () => {
  // The blob is written in one piece, and the handler is done long before the client is.
  const slow = { bodyBytesPerSecondMin: 1024, windowMs: 300 };
  await using served = await openServer({ limits: { slow } });
  const { digest } = await served.store.put(randomBytes(2 ** 20));
  using raw = await greedy(served.port, digest);
  // Nothing is read, so that only a write tells of the end.
  const failed = once(raw.socket, "error", { signal: AbortSignal.timeout(20_000) }).catch(
    (error: unknown) => [error],
  );
  const writing = setInterval(() => raw.send("\r\n"), 50);
  const [error] = (await failed) as [Error & { code?: string }];
  clearInterval(writing);
  expect(error.code).toMatch(/^(EPIPE|ECONNRESET)$/);
});

test("an answer that waits in memory for its client counts as a request under way", async () => {
  // One may be under way. Each is asked for when the one before was written, until no kernel takes more.
  let answered = Promise.withResolvers<string | undefined>();
  await using server = await openServer({
    clientLimits: { requestsPerClientMax: 1 },
    onRequest: ({ code }) => answered.resolve(code),
  });
  const { digest } = await server.store.put(randomBytes(2 ** 20));
  const raw = await rawConnection(server.port);
  raw.socket.pause();
  for (let each = 0; ; each += 1) {
    raw.send(`GET /v1/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const code = await answered.promise;
    answered = Promise.withResolvers();
    if (code === "RATE_LIMITED") break;
    expect(each).toBeLessThan(64);
  }
  raw.socket.destroy();
  for (;;) {
    const { status } = await fetch(`${server.url}/v1/blobs/${digest}`, { method: "HEAD" });
    if (status === 200) break;
  }
});

test("a body in chunks may be no longer than any other", async () => {
  // Its length is not said, so it is counted; nothing of it may be there afterwards.
  await using served = await openServer({ limits: { blobBytesMax: 1000 } });
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(600);
    yield Buffer.alloc(600);
  };
  for (const [method, path] of [
    ["POST", "/v1/blobs"],
    ["PUT", `/v1/blobs/sha256:${"1".repeat(64)}`],
  ] as const) {
    const init = { method, body: ReadableStream.from(chunks()), duplex: "half" } as RequestInit;
    const response = await fetch(served.url + path, init);
    expect([method, response.status]).toEqual([method, 413]);
  }
  for await (const each of served.store.list()) expect(each).toBeUndefined();
});
