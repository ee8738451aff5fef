import { once } from "node:events";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryBucket, StoreError } from "@bitstore/core";
import { openAuditLog } from "../../src/audit/audit-log.ts";
import { createServer } from "../../src/create-server.ts";
import { type LiveServer, startServer } from "../access/live-server.ts";

let server: LiveServer;

beforeAll(async () => {
  server = await startServer([]);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Sends bytes as they are, and resolves to all that comes back until the server closes. */
async function send(text: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  socket.setTimeout(3000, () => socket.destroy());
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  socket.end(Buffer.from(text, "latin1"));
  await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

function get(target: string, headers: readonly string[] = ["Host: localhost"]): string {
  return [`GET ${target} HTTP/1.1`, ...headers, "Connection: close", "", ""].join("\r\n");
}

describe("a server on loopback", () => {
  test("answers its own names, and no page of another site", async () => {
    // DNS rebinding names itself in Host; a page elsewhere is named by its browser.
    const refused = [
      ["Host: evil.example"],
      [`Host: evil.example:${server.port}`],
      ["Host: localhost", "Origin: https://evil.example"],
      ["Host: localhost", "Origin: null"],
      ["Host: localhost", "Sec-Fetch-Site: cross-site"],
      ["Host: localhost", "Sec-Fetch-Site: same-site"],
      ["Host: 2130706433"],
      ["Host: "],
    ];
    for (const headers of refused) {
      for (const target of ["/v1/tags", "/livez", "/", "/openapi.json", "/nothing"]) {
        expect([headers, target, statusOf(await send(get(target, headers)))]).toEqual([
          headers,
          target,
          headers[0] === "Host: " ? expect.any(Number) : 403,
        ]);
      }
    }
    expect(statusOf(await send(get("/livez", ["Host: "])))).toBeGreaterThanOrEqual(400);
    expect(statusOf(await send("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n"))).toBe(400);
    expect(statusOf(await send("GET /livez HTTP/1.0\r\n\r\n"))).toBe(400);
    const own = `http://localhost:${server.port}`;
    for (const headers of [
      ["Host: localhost"],
      [`Host: localhost:${server.port}`, `Origin: ${own}`, "Sec-Fetch-Site: same-origin"],
      ["Host: 127.0.0.1"],
      ["Host: [::1]:7070"],
    ]) {
      expect([headers, statusOf(await send(get("/livez", headers)))]).toEqual([headers, 200]);
    }
  });

  test("lets no page write by a form, which needs no permission to be sent", async () => {
    // A simple request of another site: no preflight is made for it.
    const form =
      "POST /v1/blobs HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n" +
      "Content-Type: text/plain\r\nContent-Length: 4\r\nConnection: close\r\n\r\nevil";
    expect(statusOf(await send(form))).toBe(403);
    for await (const each of server.behind("default").store.list()) expect(each).toBeUndefined();
  });
});

describe("requests that are read in two ways", () => {
  test("are refused by their target", async () => {
    // The whole list is in the test of the parser; these come through the sockets and the router.
    const targets = [
      "http://evil.example/v1/blobs",
      "//evil.example/v1/blobs",
      "/v1/../metrics",
      "/v1/%2e%2e/metrics",
      "/v1/%252e%252e/metrics",
      "/v1/tags/a%2f..%2fb",
      "/v1/tags/a%00b",
      "/v1/tags/%c0%ae%c0%ae",
      "/v1/tags/%ff",
      "/v1/tags/a\\b",
      "/v1/tags/a%5cb",
      "/v1//tags",
      "/v1/tags/%",
      "*",
    ];
    for (const target of targets) {
      expect([target, statusOf(await send(get(target)))]).toEqual([target, 400]);
    }
    expect(statusOf(await send(get(`/${"a".repeat(9000)}`)))).toBe(413);
  });

  test("are refused by their framing, and nothing behind them is served", async () => {
    // Each hides a second request in what one of two readers takes for the body of the first.
    const hidden = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const size = hidden.length;
    const framings = [
      `Content-Length: ${size}\r\nTransfer-Encoding: chunked`,
      `Transfer-Encoding: chunked\r\nContent-Length: ${size}`,
      `Content-Length: 0\r\nContent-Length: ${size}`,
      `Content-Length: ${size}\r\nContent-Length: ${size}`,
      `Content-Length: 0, ${size}`,
      "Transfer-Encoding: identity",
      "Transfer-Encoding: chunked, identity",
      "Transfer-Encoding: xchunked",
      "Transfer-Encoding : chunked",
      "Transfer-Encoding:\x0bchunked",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
      "Content-Length: -1",
      "Content-Length: +5",
      "Content-Length: 0x5",
      "Foo: bar\r\n Transfer-Encoding: chunked",
      "Foo: bar\nTransfer-Encoding: chunked",
    ];
    for (const framing of framings) {
      for (const body of ["0\r\n\r\n", ""]) {
        const attack = `POST /v1/blobs HTTP/1.1\r\nHost: localhost\r\n${framing}\r\n\r\n${body}${hidden}`;
        const answer = await send(attack);
        expect([framing, statusOf(answer)]).toEqual([framing, 400]);
        expect([framing, answer.includes("HTTP/1.1 200")]).toEqual([framing, false]);
      }
    }
  });

  test("end their connection, and what was sent behind them is not done", async () => {
    // The second request is whole and right; but where the first one ends two readers may not agree.
    const hidden = "POST /v1/blobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nhidden";
    for (const twice of ["Host: evil.example", "Range: bytes=0-1\r\nRange: bytes=0-2"]) {
      const answer = await send(
        `GET /livez HTTP/1.1\r\nHost: localhost\r\n${twice}\r\n\r\n${hidden}`,
      );
      expect([twice, statusOf(answer), answer.match(/HTTP\/1\.1/g)]).toEqual([
        twice,
        400,
        ["HTTP/1.1"],
      ]);
      for await (const each of server.behind("default").store.list()) {
        expect([twice, each]).toEqual([twice, undefined]);
      }
    }
  });

  test("are refused by headers that are there twice, or are too many", async () => {
    // 16 KiB of headers is Node's to refuse; more than a hundred are counted by us.
    expect(statusOf(await send(get("/livez", ["Host: localhost", "Host: evil.example"])))).toBe(
      400,
    );
    const twice = ["Host: localhost", "Authorization: a", "Authorization: b"];
    expect(statusOf(await send(get("/livez", twice)))).toBe(400);
    const many = Array.from({ length: 101 }, (_, at) => `x-${at}: 1`);
    expect(statusOf(await send(get("/livez", ["Host: localhost", ...many])))).toBe(413);
    const long = `x: ${"a".repeat(20_000)}`;
    expect(statusOf(await send(get("/livez", ["Host: localhost", long])))).toBe(431);
  });
});

test("a server without authentication listens on no network", async () => {
  // Whoever calls `listen` with another host than the access was made for is refused.
  const open = createServer({ open: () => Promise.reject(new Error("nobody asks")) });
  for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
    await expect(open.listen({ host })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  }
  await open.close();
});

test("no digest, tag or id makes the server ask another one", async () => {
  // A listener stands for a service of the network: nothing may come to it.
  let connections = 0;
  const inside = createTcpServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  inside.listen(0, "127.0.0.1");
  await once(inside, "listening");
  const { port } = inside.address() as AddressInfo;
  const bait = [
    `http://127.0.0.1:${port}/`,
    `//127.0.0.1:${port}/`,
    `127.0.0.1:${port}`,
    `x@127.0.0.1:${port}`,
  ];
  for (const text of bait) {
    const name = encodeURIComponent(text);
    for (const path of [
      `/v1/blobs/${name}`,
      `/v1/explain/${name}`,
      `/v1/tags/${name}/blob`,
      `/v1/tags/${name}`,
    ]) {
      const { status } = await fetch(server.url + path);
      expect([path, status]).toEqual([path, 400]);
    }
    const put = await fetch(`${server.url}/v1/tags/a`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ digest: text }),
    });
    expect(put.status).toBe(400);
    const missing = {
      method: "POST",
      body: JSON.stringify([text]),
      headers: { "content-type": "application/json" },
    };
    expect((await fetch(`${server.url}/v1/blobs/missing`, missing)).status).toBe(400);
  }
  inside.close();
  await once(inside, "close");
  expect(connections).toBe(0);
});

test("too many requests are answered with 429 and how long to wait", async () => {
  // Two are let through at once, and then one each hundred seconds.
  await using slow = await startServer([], {
    clientLimits: { requestsPerSecondMax: 0.01, burstMax: 2 },
  });
  const answers = [];
  for (let each = 0; each < 3; each += 1) answers.push(await fetch(`${slow.url}/v1/tags`));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  const last = answers[2];
  expect(Number(last?.headers.get("retry-after"))).toBeGreaterThan(50);
  expect(last?.headers.get("content-type")).toBe("application/problem+json");
});

test("guessed tokens are answered with 429 after a while, and right ones still let in", async () => {
  // They come from one address, which is all that is known of who guesses.
  await using guarded = await startServer([{ name: "ci", scopes: ["read"] }], {
    clientLimits: { refusalsPerMinuteMax: 3 },
  });
  const statuses: number[] = [];
  for (let each = 0; each < 5; each += 1) {
    const authorization = `Bearer bst_${"A".repeat(43)}${String(each).padStart(8, "0")}`;
    statuses.push((await fetch(`${guarded.url}/v1/tags`, { headers: { authorization } })).status);
  }
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  const authorization = `Bearer ${guarded.tokens.get("ci") ?? ""}`;
  expect((await fetch(`${guarded.url}/v1/tags`, { headers: { authorization } })).status).toBe(200);
});

test("writes fail while the audit log can't be written, and reads go on", async () => {
  // Its bucket refuses everything; nothing that was asked for may be there afterwards.
  const refuse = (): Promise<never> =>
    Promise.reject(new StoreError({ code: "UNAVAILABLE", operation: "put", message: "full" }));
  const audit = openAuditLog(
    { ...memoryBucket(), put: refuse },
    { limits: { windowMs: 1, pauseMs: 1 } },
  );
  await using audited = await startServer([], { audit });
  const { store, tags } = audited.behind("default");
  const { digest } = await store.put(new Uint8Array(3));
  await tags.append("a", digest);
  const write = async (method: string, path: string, body?: string): Promise<number> => {
    const headers = body?.startsWith("{") ? { "content-type": "application/json" } : {};
    const { status } = await fetch(audited.url + path, { method, headers, ...(body && { body }) });
    return status;
  };
  expect(await write("POST", "/v1/blobs", "some bytes")).toBe(503);
  expect(await write("DELETE", `/v1/blobs/${digest}`)).toBe(503);
  expect(await write("PUT", "/v1/tags/b", JSON.stringify({ digest }))).toBe(503);
  expect(await write("DELETE", "/v1/tags/a")).toBe(503);
  expect((await fetch(`${audited.url}/v1/tags/a/blob`)).status).toBe(200);
  const listed: string[] = [];
  for await (const each of store.list()) listed.push(each.digest);
  expect(listed).toEqual([digest]);
  expect(await tags.head("b")).toBeUndefined();
  expect((await tags.head("a"))?.seq).toBe(1);
});
