import { composite, defineTier, memoryCache, orAborted } from "@bitstore/core";
import { expect, test } from "vitest";
import type { RequestRecord } from "../../src/listen/run-route.ts";
import { parseServerConfig } from "../../src/server-config.ts";
import { type LiveServer, startServer } from "../access/live-server.ts";
import { rawConnection } from "../support/raw-request.ts";

// What lists of bulk requests may hold at the same time. The origin answers nobody until a test lets it,
// so lists stay held; that their bytes are free again is seen by a list that needs all that its client may
// hold. A sha256 takes 33 bytes.

const ndjson = "application/x-ndjson";
const digestOf = (n: number): string => `sha256:${n.toString(16).padStart(64, "0")}`;
const listOf = (count: number): string =>
  Array.from({ length: count }, (_, n) => `"${digestOf(n)}"\n`).join("");
/** Digests that fit in what one client may hold, in the servers below. */
const share = 200;

interface Held extends LiveServer {
  ask(name: string, list: string, route?: "missing" | "fetch"): Promise<Response>;
  /** Resolves once the origin was asked that many times. */
  asked(times: number): Promise<void>;
  /** Lets the origin answer, also from then on. */
  answer(): void;
  /** Resolves to the first request from now on that ends with a status. */
  ended(status: number): Promise<RequestRecord>;
}

async function heldServer(listBytesMax = share * 2 * 33): Promise<Held> {
  let asked = 0;
  const looks = new Set<() => void>();
  const ends = new Set<(record: RequestRecord) => void>();
  const gate = Promise.withResolvers<undefined>();
  const wait = (signal: AbortSignal | undefined): Promise<undefined> => {
    asked += 1;
    for (const look of looks) look();
    return orAborted(gate.promise, signal, "stat");
  };
  const source = {
    ...memoryCache({ bytesMax: 1, name: "empty" }),
    stat: (_: unknown, call?: { readonly signal?: AbortSignal | undefined }) => wait(call?.signal),
    open: (_: unknown, call?: { readonly signal?: AbortSignal | undefined }) => wait(call?.signal),
  };
  const store = composite({ tiers: [defineTier({ name: "held", source, origin: true })] });
  const grants = ["ann", "bob", "cyd"].map((name) => ({ name, scopes: ["read"] as const }));
  const live = await startServer(grants, {
    open: (namespace) =>
      Promise.resolve({
        namespace,
        store,
        tags: undefined,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }),
    limits: { listBytesMax },
    onRequest(record) {
      for (const end of ends) end(record);
    },
  });
  return {
    ...live,
    answer: () => gate.resolve(undefined),
    ask: (name, body, route = "missing") =>
      fetch(`${live.url}/v1/blobs/${route}`, {
        method: "POST",
        body,
        headers: { "content-type": ndjson, authorization: `Bearer ${live.tokens.get(name)}` },
      }),
    asked: (times) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (asked < times) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      }),
    ended: (status) =>
      new Promise((resolve) => {
        const look = (record: RequestRecord): void => {
          if (record.status !== status) return;
          ends.delete(look);
          resolve(record);
        };
        ends.add(look);
      }),
    async [Symbol.asyncDispose]() {
      gate.resolve(undefined);
      await live[Symbol.asyncDispose]();
    },
  };
}

/** The head of a request by hand, whose list has `count` digests. */
function head(server: Held, name: string, count: number): string {
  return (
    `POST /v1/blobs/missing HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${ndjson}\r\n` +
    `authorization: Bearer ${server.tokens.get(name)}\r\n` +
    `content-length: ${listOf(count).length}\r\n\r\n`
  );
}

test("lists of one client hold half of the bytes at most, all lists the whole; answers free them", async () => {
  await using server = await heldServer();
  const first = server.ask("ann", listOf(150));
  await server.asked(150);
  const second = await server.ask("ann", listOf(51));
  expect(second.status).toBe(429);
  expect(second.headers.get("retry-after")).toBe("1");
  expect(await second.json()).toMatchObject({
    code: "RATE_LIMITED",
    persistence: "transient",
    retryAfterMs: 1000,
    detail: expect.stringContaining("its requests"),
  });
  // What was refused is not counted: the rest of the share is there yet.
  const third = server.ask("ann", listOf(50));
  await server.asked(200);
  // Half is left to others, but no more than that; both routes are counted as one.
  const others = server.ask("bob", listOf(200), "fetch");
  await server.asked(201);
  const late = await server.ask("cyd", listOf(1));
  expect(late.status).toBe(429);
  expect(await late.json()).toMatchObject({ detail: expect.stringContaining("all requests") });
  server.answer();
  for (const held of [first, third, others]) {
    const response = await held;
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  }
  for (const name of ["ann", "bob", "cyd"]) {
    expect((await server.ask(name, listOf(share))).status).toBe(200);
  }
});

test("the bound is a setting", () => {
  const { limits } = parseServerConfig({ limits: { listBytes: 6600 } });
  expect(limits).toEqual({ listBytesMax: 6600 });
  expect(() => parseServerConfig({ limits: { listBytes: 0 } })).toThrow("server.limits.listBytes");
});

test("a list that no client may hold is too large, whatever others hold", async () => {
  await using server = await heldServer();
  const response = await server.ask("ann", listOf(share + 1));
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({
    code: "TOO_LARGE",
    persistence: "permanent",
    detail: expect.stringContaining(`${share * 33} bytes`),
  });
});

test("a client that sends all of its list before it reads gets its 429, and an orderly end", async () => {
  // Refused at its first digests, with megabytes to come: a closed socket would lose the answer.
  const most = 1000;
  await using server = await heldServer(most * 2 * 33);
  const holding = server.ask("ann", listOf(most));
  await server.asked(256);
  using raw = await rawConnection(server.port);
  raw.send(head(server, "ann", 150_000) + listOf(150_000));
  const { text, how } = await raw.end();
  expect(text).toMatch(/^HTTP\/1\.1 429 [^]*"RATE_LIMITED"/);
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  expect(how).toBe("end");
  server.answer();
  expect((await holding).status).toBe(200);
});

test("a client that leaves in the middle of its list frees what came of it", async () => {
  await using server = await heldServer();
  using raw = await rawConnection(server.port);
  raw.send(head(server, "ann", share) + listOf(150));
  // Until that has been counted another list finds room, and holds nothing once it was answered.
  server.answer();
  while ((await server.ask("ann", listOf(51))).status !== 429);
  const ended = server.ended(499);
  raw.socket.destroy();
  await ended;
  expect((await server.ask("ann", listOf(share))).status).toBe(200);
});

test("a client that leaves while its answer is made frees its list", async () => {
  await using server = await heldServer();
  using raw = await rawConnection(server.port);
  raw.send(head(server, "ann", share) + listOf(share));
  await server.asked(share);
  expect((await server.ask("ann", listOf(1))).status).toBe(429);
  const ended = server.ended(499);
  raw.socket.destroy();
  await ended;
  server.answer();
  expect((await server.ask("ann", listOf(share))).status).toBe(200);
});

test.each([
  [400, "no digest"],
  [413, digestOf(1)],
])("a list that is refused at its end, with %d, frees its bytes", async (status, last) => {
  const most = 1000;
  await using server = await heldServer(most * 2 * 33);
  server.answer();
  expect((await server.ask("ann", `${listOf(most)}"${last}"\n`)).status).toBe(status);
  expect((await server.ask("ann", listOf(most))).status).toBe(200);
});

test("a long list of all algorithms keeps its order, and what it names twice", async () => {
  // Longer than what is in memory, so it went through a file, and digests across its blocks.
  await using server = await heldServer(4 * 2 ** 20);
  server.answer();
  const sizes = { sha1: 40, sha256: 64, sha512: 128, "sha3-256": 64, blake3: 64 };
  const list = Array.from({ length: 5000 }, (_, n) =>
    Object.entries(sizes).map(([name, chars]) => {
      const hex = ((n % 4000) + 1).toString(16);
      return `${name}:${hex.repeat(chars).slice(0, chars)}`;
    }),
  ).flat();
  const response = await server.ask("ann", list.map((each) => `"${each}"\n`).join(""));
  expect(response.status).toBe(200);
  expect(await response.text()).toBe(list.map((each) => `"${each}"\n`).join(""));
});
