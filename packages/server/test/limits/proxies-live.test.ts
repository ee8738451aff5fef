import { expect, test } from "vitest";
import { memoryBucket } from "@bitstore/core";
import { openAuditLog } from "../../src/audit/audit-log.ts";
import { readAudit } from "../../src/audit/read-audit.ts";
import { startServer } from "../access/live-server.ts";
import { openServer } from "../support/open-server.ts";
import { rawConnection } from "../support/raw-request.ts";

// Clients behind a proxy that is trusted, or is not: the test is the proxy, and says for whom it asks.

const here = ["127.0.0.1"];
const elsewhere = ["192.0.2.1", "2001:db8::/32"];
/** Two requests are let through, and then one each quarter of an hour. */
const clientLimits = { requestsPerSecondMax: 0.001, burstMax: 2 };

function asking(url: string): (forwarded?: string) => Promise<number> {
  return async (forwarded) => {
    const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
    return (await fetch(`${url}/livez`, { headers })).status;
  };
}

test("two clients behind one proxy have rates of their own, and neither has another one's", async () => {
  // The first spends its own; then it names the second, and others, in the header that it sends.
  await using served = await openServer({ trustedProxies: here, clientLimits });
  const ask = asking(served.url);
  expect([await ask("203.0.113.1"), await ask("203.0.113.1")]).toEqual([200, 200]);
  for (const spoofed of [
    "203.0.113.1",
    "203.0.113.2, 203.0.113.1",
    "127.0.0.1, 203.0.113.1",
    "::ffff:203.0.113.1",
    "203.0.113.1:4711",
    "203.0.113.9, 203.0.113.1, 127.0.0.1",
  ]) {
    expect([spoofed, await ask(spoofed)]).toEqual([spoofed, 429]);
  }
  expect([await ask("203.0.113.2"), await ask("203.0.113.2")]).toEqual([200, 200]);
  expect(await ask("203.0.113.2")).toBe(429);
  // What can't be read is the proxy's own, all of it together.
  expect([await ask("garbage"), await ask(), await ask("other garbage")]).toEqual([200, 200, 429]);
});

test("a header that comes several times is one list, in its order", async () => {
  // The proxy adds a line of its own behind the client's, in place of writing into that.
  await using served = await openServer({ trustedProxies: here, clientLimits });
  const ask = async (...lines: readonly string[]): Promise<string | undefined> => {
    using raw = await rawConnection(served.port);
    const headers = lines.map((line) => `X-Forwarded-For: ${line}\r\n`).join("");
    raw.send(`GET /livez HTTP/1.1\r\nHost: localhost\r\n${headers}Connection: close\r\n\r\n`);
    return /^HTTP\/1\.1 (\d{3})/.exec((await raw.end()).text)?.[1];
  };
  expect(await ask("203.0.113.7", "203.0.113.1")).toBe("200");
  expect(await ask("203.0.113.8", "203.0.113.9", "203.0.113.1")).toBe("200");
  expect(await ask("203.0.113.10", "203.0.113.1")).toBe("429");
  expect(await ask("203.0.113.1", "203.0.113.7")).toBe("200");
});

test.each([
  ["none is trusted", []],
  ["others are", elsewhere],
])("the header of an untrusted peer changes nothing: %s", async (_which, trustedProxies) => {
  // Each time it is another client that is named; all are counted as the one that asks.
  await using served = await openServer({ trustedProxies, clientLimits });
  const ask = asking(served.url);
  expect([await ask("203.0.113.1"), await ask("203.0.113.2")]).toEqual([200, 200]);
  for (const named of ["203.0.113.3", "192.0.2.1", "203.0.113.4, 192.0.2.1", undefined]) {
    expect([named, await ask(named)]).toEqual([named, 429]);
  }
});

test("who is trusted is changed while the server runs, and never to what is wrong", async () => {
  await using served = await openServer({ clientLimits });
  const ask = asking(served.url);
  const spent = async (): Promise<void> => {
    while ((await ask("203.0.113.1")) === 200);
  };
  await spent();
  expect(await ask("203.0.113.2")).toBe(429);
  served.server.setLimits({ clientLimits, trustedProxies: here });
  await spent();
  expect(await ask("203.0.113.2")).toBe(200);
  expect(() => served.server.setLimits({ trustedProxies: ["10.0.0.0/99"] })).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", subject: "server.trustedProxies.0" }),
  );
  // Neither the rates nor the proxies are others than before.
  expect([await ask("203.0.113.1"), await ask("203.0.113.3")]).toEqual([429, 200]);
  served.server.setLimits({ clientLimits });
  await spent();
  expect(await ask("203.0.113.4")).toBe(429);
});

test("wrong credentials are counted by the client, not by the proxy", async () => {
  // One client guesses; another one that mistypes its token is told so.
  await using served = await startServer([{ name: "ci", scopes: ["read"] }], {
    trustedProxies: here,
    clientLimits: { refusalsPerMinuteMax: 1 },
  });
  const guess = async (forwarded: string): Promise<number> => {
    const headers = { authorization: "Bearer bst_wrong", "x-forwarded-for": forwarded };
    return (await fetch(`${served.url}/v1/tags`, { headers })).status;
  };
  expect([await guess("203.0.113.1"), await guess("203.0.113.1")]).toEqual([401, 429]);
  expect(await guess("203.0.113.2, 203.0.113.1")).toBe(429);
  expect(await guess("203.0.113.2")).toBe(401);
});

test("the audit log has the client's address where a trusted proxy says it, and no other", async () => {
  const written = async (
    trustedProxies: readonly string[],
    headers: Record<string, string>,
  ): Promise<readonly (string | undefined)[]> => {
    const bucket = memoryBucket();
    const audit = openAuditLog(bucket, { limits: { windowMs: 1, pauseMs: 1 } });
    await using served = await startServer([], { audit, trustedProxies });
    const { status } = await fetch(`${served.url}/v1/blobs`, {
      method: "POST",
      headers,
      body: "a",
    });
    expect(status).toBe(201);
    await audit[Symbol.asyncDispose]();
    const remotes = new Set<string | undefined>();
    for await (const { remote } of readAudit(bucket)) remotes.add(remote);
    return [...remotes];
  };
  const forwarded = { "x-forwarded-for": "198.51.100.9, ::ffff:203.0.113.1" };
  expect(await written(here, forwarded)).toEqual(["203.0.113.1"]);
  expect(await written(here, {})).toEqual(["127.0.0.1"]);
  expect(await written(elsewhere, forwarded)).toEqual(["127.0.0.1"]);
  expect(await written([], forwarded)).toEqual(["127.0.0.1"]);
});
