import type { LookupFunction } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import { startServer, type TestBlob, testBlob, type TestServer } from "./test-server.ts";

// One server redirects, another has the bytes. Linux answers on all of 127.0.0.0/8, so addresses
// that differ are at hand, and an injected lookup gives names to them.
let home: TestServer;
let away: TestServer;
let blob: TestBlob;
let location: string | undefined;
let status: number;

beforeEach(async () => {
  blob = await testBlob(1000);
  status = 302;
  home = await startServer((request, response) => {
    const done = request.url?.startsWith("/done") === true;
    if (!done && location !== undefined) response.setHeader("location", location);
    response.writeHead(done ? 200 : status).end(done ? blob.bytes : "elsewhere");
  });
  away = await startServer((request, response) => {
    if (request.url === "/back") response.writeHead(307, { location: `${home.origin}/done` }).end();
    else response.end(blob.bytes);
  }, "127.0.0.2");
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  await away[Symbol.asyncDispose]();
});

const headers = { authorization: "Bearer secret", "x-api-key": "secret", cookie: "secret" };
const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${home.origin}/{hex}`, headers, ...options });

describe("a redirect", () => {
  test.each([301, 302, 303, 307, 308])(
    "of status %i is followed, headers and all",
    async (code) => {
      status = code;
      location = "/done/here?x=1";
      await using source = make();
      const content = await source.open(blob.digest);
      expect(Buffer.compare((await content?.bytes())!, blob.bytes)).toBe(0);
      expect(home.seen.map(({ url }) => url)).toEqual([`/${blob.digest.slice(7)}`, location]);
      expect(home.seen[1]?.headers).toMatchObject(headers);
    },
  );

  test("to another origin takes no configured header along", async () => {
    location = `${away.origin}/signed`;
    await using source = make({ rangeRead: true });
    const range = { start: 5, end: 10 };
    const content = await source.open(blob.digest, { range });
    expect((await content?.bytes())?.byteLength).toBe(5);
    expect(home.seen[0]?.headers).toMatchObject(headers);
    const [request] = away.seen;
    expect(request?.headers).toMatchObject({ range: "bytes=5-9", "accept-encoding": "identity" });
    for (const name of Object.keys(headers)) expect(request?.headers).not.toHaveProperty(name);
    expect(JSON.stringify(request)).not.toContain("secret");
  });

  test("there and back takes no configured header along either", async () => {
    location = `${away.origin}/back`;
    await using source = make();
    const content = await source.open(blob.digest);
    expect((await content?.bytes())?.byteLength).toBe(1000);
    expect(home.seen[1]).toMatchObject({ url: "/done" });
    expect(JSON.stringify(home.seen[1])).not.toContain("secret");
  });

  test("to another port is one to another origin", async () => {
    const port = await startServer((_, response) => void response.end(blob.bytes));
    location = port.origin;
    await using source = make();
    await (await source.open(blob.digest))?.bytes();
    expect(JSON.stringify(port.seen)).not.toContain("secret");
    await port[Symbol.asyncDispose]();
  });

  test("of a HEAD is followed with HEAD", async () => {
    location = "/done";
    await using source = make();
    await expect(source.stat(blob.digest)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(home.seen.map(({ method }) => method)).toEqual(["HEAD", "HEAD"]);
  });
});

describe("a redirect is refused", () => {
  test.each([
    ["the fourth time", "/again", /more than 3 times/, 4],
    ["without a location", undefined, /to nowhere/, 1],
    ["to no URL", "http://[", /to nowhere/, 1],
    ["to a file", "file:///etc/passwd", /redirects to file:/, 1],
    ["to ftp", "ftp://127.0.0.1/x", /redirects to ftp:/, 1],
    ["with user info", "http://user:pw@127.0.0.1/x", /user info/, 1],
  ])("%s", async (_, to, message, requests) => {
    location = to;
    await using source = make();
    const opening = source.open(blob.digest);
    await expect(opening).rejects.toMatchObject({ code: "UNAVAILABLE", persistence: "permanent" });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.not.toThrow(/pw/);
    expect(home.seen).toHaveLength(requests);
    expect(away.seen).toEqual([]);
  });

  test("for an upload", async () => {
    location = `${away.origin}/there?sig=abc`;
    status = 307;
    await using source = make({ put: true });
    const opening = source.put(blob.bytes, { digest: blob.digest });
    await expect(opening).rejects.toThrow(/redirects the upload to .*sig=\*\*\*; configure that/);
    expect(away.seen).toEqual([]);
  });
});

describe("private addresses", () => {
  const names = new Map([
    ["blobs.example.com", ["127.0.0.1"]],
    ["cdn.example.com", ["127.0.0.2"]],
  ]);
  const lookup: LookupFunction = (hostname, _, callback) => {
    const found = names.get(hostname) ?? [];
    callback(
      null,
      found.map((address) => ({ address, family: 4 })),
    );
  };
  /** A source whose own address is allowed, as a public one would be, and no other. */
  const publicly = (options: Partial<HttpSourceOptions> = {}) =>
    make({
      url: `http://blobs.example.com:${home.port}/{hex}`,
      privateAddresses: ["127.0.0.1"],
      lookup,
      ...options,
    });
  const refused = { code: "UNAVAILABLE", persistence: "permanent" };

  test("that a redirect writes out are not asked", async () => {
    for (const host of ["127.0.0.2", "2130706434", "0x7f.2", "[::ffff:127.0.0.2]", "[::1]"]) {
      location = `http://${host}:${away.port}/x`;
      await using source = publicly();
      const opening = source.open(blob.digest);
      await expect(opening, host).rejects.toMatchObject(refused);
      await expect(opening, host).rejects.toThrow(/private address; set privateAddresses/);
    }
    expect(away.connections).toBe(0);
  });

  test("behind the name of a redirect are not asked", async () => {
    location = `http://cdn.example.com:${away.port}/x`;
    await using source = publicly();
    const opening = source.open(blob.digest);
    await expect(opening).rejects.toMatchObject(refused);
    await expect(opening).rejects.toThrow(/private address; set privateAddresses/);
    expect(away.connections).toBe(0);
    await using allowed = publicly({ privateAddresses: ["127.0.0.0/8"] });
    expect(await (await allowed.open(blob.digest))?.bytes()).toHaveLength(1000);
  });

  test("behind a name that changes its address are not asked (DNS rebinding)", async () => {
    location = undefined;
    status = 404;
    names.set("blobs.example.com", ["127.0.0.1"]);
    await using source = publicly();
    expect(await source.open(blob.digest)).toBeUndefined();
    names.set("blobs.example.com", ["127.0.0.2"]);
    // The connection of the first request is gone, so that the second looks the name up again.
    await home[Symbol.asyncDispose]();
    await expect(source.open(blob.digest)).rejects.toMatchObject(refused);
    expect(away.connections).toBe(0);
    names.set("blobs.example.com", ["127.0.0.1"]);
  });

  test("behind the configured name are refused unless they are meant", async () => {
    await using source = publicly({ privateAddresses: undefined });
    await expect(source.open(blob.digest)).rejects.toMatchObject(refused);
    await using never = make({ privateAddresses: false });
    await expect(never.open(blob.digest)).rejects.toMatchObject(refused);
    expect(home.connections).toBe(0);
  });
});
