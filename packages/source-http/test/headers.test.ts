import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { httpSource } from "../src/index.ts";
import type { HttpSourceOptions } from "../src/http-source-options.ts";
import { startServer, type TestBlob, testBlob, type TestServer } from "./test-server.ts";

// A server that takes one token, which may change; the source finds the new one where it is kept.
let server: TestServer;
let blob: TestBlob;
let valid: string;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "bitstore-headers-"));
  blob = await testBlob(10);
  valid = "Bearer first";
  server = await startServer((request, response) => {
    const isFine = request.headers.authorization === valid;
    response.writeHead(isFine ? 200 : 401).end(isFine ? blob.bytes : "who are you?");
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const make = (options: Partial<HttpSourceOptions> = {}) =>
  httpSource({ url: `${server.origin}/{hex}`, ...options });

const sent = (): (string | undefined)[] => server.seen.map(({ headers }) => headers.authorization);

describe("a token in the environment", () => {
  test("is read at the first request, and again after a 401", async () => {
    const environment: NodeJS.ProcessEnv = {};
    const headers = { Authorization: "Bearer env:API_TOKEN", "X-Client": "me" };
    await using source = make({ headers, environment });
    environment["API_TOKEN"] = "first";
    await (await source.open(blob.digest))?.bytes();
    valid = "Bearer second";
    environment["API_TOKEN"] = "second";
    await (await source.open(blob.digest))?.bytes();
    await (await source.open(blob.digest))?.bytes();
    expect(sent()).toEqual(["Bearer first", "Bearer first", "Bearer second", "Bearer second"]);
    expect(server.seen[0]?.headers["x-client"]).toBe("me");
  });

  test("that has not changed is not tried again", async () => {
    valid = "Bearer other";
    const environment = { API_TOKEN: "first" };
    await using source = make({ headers: { authorization: "Bearer env:API_TOKEN" }, environment });
    await expect(source.open(blob.digest)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(server.seen).toHaveLength(1);
  });

  test("that is wrong again is tried once", async () => {
    valid = "Bearer other";
    let reads = 0;
    const environment = {
      get API_TOKEN(): string {
        reads += 1;
        return `token-${reads}`;
      },
    };
    await using source = make({ headers: { authorization: "env:API_TOKEN" }, environment });
    await expect(source.open(blob.digest)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    expect(sent()).toEqual(["token-1", "token-2"]);
  });

  test("that is not set is CONFIG_INVALID and says which, until it is set", async () => {
    const environment: NodeJS.ProcessEnv = {};
    await using source = make({ headers: { authorization: "Bearer env:API_TOKEN" }, environment });
    await expect(source.open(blob.digest)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("API_TOKEN is not set"),
    });
    expect(server.seen).toEqual([]);
    environment["API_TOKEN"] = "first";
    expect(await source.open(blob.digest)).toBeDefined();
  });
});

describe("a token in a file", () => {
  test("is read without its line's end, and again after a 401", async () => {
    const path = join(directory, "token");
    await writeFile(path, "first\n");
    await using source = make({ headers: { authorization: `Bearer file:${path}` } });
    await (await source.open(blob.digest))?.bytes();
    valid = "Bearer second";
    await writeFile(path, "second\n");
    await (await source.open(blob.digest))?.bytes();
    expect(sent()).toEqual(["Bearer first", "Bearer first", "Bearer second"]);
  });

  test("that is not there, is too long, or is no header value is CONFIG_INVALID", async () => {
    const path = join(directory, "token");
    await using source = make({ headers: { authorization: `file:${path}` } });
    const refused = { code: "CONFIG_INVALID", message: expect.stringContaining("authorization") };
    await expect(source.open(blob.digest)).rejects.toMatchObject(refused);
    await writeFile(path, "x".repeat(65_537));
    await expect(source.open(blob.digest)).rejects.toMatchObject(refused);
    await writeFile(path, "two\nlines");
    await expect(source.open(blob.digest)).rejects.toMatchObject(refused);
    await expect(source.open(blob.digest)).rejects.not.toThrow(/two/);
    await writeFile(path, "Bearer first");
    expect(await source.open(blob.digest)).toBeDefined();
  });
});

test("many requests that meet a rotated token at once all succeed", async () => {
  const environment = { API_TOKEN: "first" };
  await using source = make({ headers: { authorization: "Bearer env:API_TOKEN" }, environment });
  await (await source.open(blob.digest))?.bytes();
  valid = "Bearer second";
  environment.API_TOKEN = "second";
  const all = Array.from({ length: 50 }, async () => (await source.open(blob.digest))?.bytes());
  expect(await Promise.all(all)).toHaveLength(50);
});

test("headers that can't be are refused when the source is made, without their values", () => {
  for (const [name, value] of [
    ["bad name", "secret"],
    ["", "secret"],
    ["x-token", "sec\nret"],
    ["x-token", ""],
    ["Range", "bytes=0-secret"],
    ["host", "secret"],
    ["Accept-Encoding", "secret"],
    ["transfer-encoding", "secret"],
  ] as const) {
    const parse = (): unknown => make({ headers: { [name]: value } });
    expect(parse, name).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(parse, name).not.toThrow(/sec|ret/);
  }
});

test("no secret is in the name, or in what an error says of itself", async () => {
  const environment = { API_TOKEN: "hush-env" };
  const headers = { authorization: "Bearer env:API_TOKEN", "x-key": "hush-plain" };
  await using source = make({
    url: `${server.origin}/{hex}?api_key=hush-query`,
    headers,
    environment,
  });
  expect(source.name).toBe(`${server.origin}/{hex}?api_key=***`);
  const error: unknown = await source.open(blob.digest).catch((each: unknown) => each);
  const { inspect } = await import("node:util");
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("hush");
  await server[Symbol.asyncDispose]();
  const broken: unknown = await source.open(blob.digest).catch((each: unknown) => each);
  expect(inspect(broken, { depth: 10, showHidden: true })).not.toContain("hush");
});
