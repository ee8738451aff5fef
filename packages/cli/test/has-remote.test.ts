import { once } from "node:events";
import { createServer as createHttp, request as askHttp } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import {
  bucketStore,
  composite,
  defineTier,
  memoryBucket,
  memoryCache,
  parseDigest,
  shardedLayout,
} from "@bitstore/core";
import { createServer } from "@bitstore/server";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { runCli } from "../src/run-cli.ts";
import { absent, sha256 } from "./support/digests.ts";
import { openPlace, type Place } from "./support/run-bitstore.ts";
import { type Ran, runHere } from "./support/run-here.ts";

// `has` on a real server, whose cache has more than its origin, behind something that counts what is
// asked, and refuses lists where a test says so: what is printed is the same, whatever that took.

/** Of every three of these the origin has two; one of them the cache has as well, or alone. */
const digests = Array.from({ length: 3000 }, (_, at) => sha256(`blob ${at}`));
const input = digests.join("\n");
const durably = digests.map((digest, at) => `${digest}  ${at % 3 < 2 ? "present" : "missing"}\n`);

let place: Place;
let url: string;
let close: () => Promise<void>;
const asked: string[] = [];
let refuseLists = 0;

beforeAll(async () => {
  place = await openPlace();
  const cache = memoryCache({ bytesMax: 2 ** 24 });
  const origin = bucketStore(memoryBucket(), shardedLayout(""));
  const store = composite({
    tiers: [
      defineTier({ name: "cache", source: cache, role: "cache" }),
      defineTier({ name: "origin", source: origin, origin: true }),
    ],
  });
  for (const [at, each] of digests.entries()) {
    const [bytes, digest] = [Buffer.from(`blob ${at}`), parseDigest(each)];
    if (at % 3 < 2) await origin.put(bytes, { digest });
    if (at % 3 > 0) await cache.put(bytes, { digest });
  }
  const server = createServer({
    open: (namespace) =>
      Promise.resolve({
        namespace,
        store,
        tags: undefined,
        [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
      }),
  });
  const { port } = await server.listen();
  const between = createHttp((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    if (incoming.method === "POST" && refuseLists > 0) {
      const code = refuseLists === 403 ? "PERMISSION_DENIED" : "UNAVAILABLE";
      const problem = JSON.stringify({ code, status: refuseLists, detail: "no lists" });
      incoming.resume();
      outgoing.writeHead(refuseLists, { "content-type": "application/problem+json" });
      outgoing.end(problem);
      return;
    }
    const { method, url: path, headers: given } = incoming;
    const headers = { ...given, host: `127.0.0.1:${port}` };
    const behind = askHttp({ port, host: "127.0.0.1", method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(behind);
  });
  between.listen(0, "127.0.0.1");
  await once(between, "listening");
  url = `bitstore+http://127.0.0.1:${(between.address() as AddressInfo).port}`;
  close = async () => {
    between.closeAllConnections();
    between.close();
    await server.close({ drainMs: 100 });
    await place[Symbol.asyncDispose]();
  };
}, 60_000);
afterAll(() => close());
beforeEach(() => {
  asked.length = 0;
  refuseLists = 0;
});

async function has(args: readonly string[], words: string): Promise<Ran> {
  return await runHere(["has", ...args, "--tier", url], { cwd: place.folder, input: words });
}

test("asks for many by few lists whether they are durable, and prints them in order", async () => {
  const { status, stdout, stderr } = await has(["--durable"], `${input}\nno digest\n${absent}`);
  expect(stdout).toBe(`${durably.join("")}${absent}  missing\n`);
  expect(stderr).toContain("bitstore: no:");
  expect(status).toBe(2);
  expect(new Set(asked)).toEqual(new Set(["POST /v1/blobs/missing"]));
  expect(asked.length).toBeLessThan(20);
  const [there = ""] = digests;
  expect(await has(["--durable"], `${there}\n${there}`)).toEqual({
    status: 0,
    stdout: `${there}  present\n`.repeat(2),
    stderr: "",
  });
});

test("tells sizes, and what the server's caches have, by single questions", async () => {
  const some = digests.slice(0, 3);
  const caches = await has([], some.join("\n"));
  expect(caches.stdout).toBe(some.map((digest) => `${digest}  present\n`).join(""));
  const { stdout, status } = await has(["--durable", "--json"], some.join("\n"));
  const records = stdout.trim().split("\n");
  expect(records.map((line) => JSON.parse(line) as unknown)).toEqual([
    { digest: some[0], status: "present", size: 6 },
    { digest: some[1], status: "present", size: 6 },
    { digest: some[2], status: "missing" },
  ]);
  expect(status).toBe(3);
  expect(asked.filter((each) => each.startsWith("POST"))).toEqual([]);
});

test.each([403, 503])("goes on by single questions where lists are answered %i", async (code) => {
  // A token that is confined to tags, or a server of which one of a list can't be had.
  refuseLists = code;
  const some = digests.slice(0, 30);
  const { status, stdout } = await has(["--durable"], some.join("\n"));
  expect(stdout).toBe(durably.slice(0, 30).join(""));
  expect(status).toBe(3);
  const single = asked.filter((each) => each.startsWith("HEAD"));
  expect(single.length).toBe(30);
  expect(asked.length - single.length).toBeLessThan(6);
});

test("answers a line before the next one is typed", async () => {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const ended = runCli(["has", "--durable", "-", "--tier", url], {
    stdin,
    stdout,
    stderr,
    env: {},
    cwd: place.folder,
    onSignal: () => () => undefined,
    onHangUp: () => () => undefined,
    end: () => undefined,
  });
  for (const [at, digest] of digests.slice(0, 3).entries()) {
    stdin.write(`${digest}\n`);
    const [chunk] = (await once(stdout, "data")) as [Buffer];
    expect(chunk.toString()).toBe(durably[at]);
  }
  stdin.end();
  expect(await ended).toBe(3);
  stdout.end();
  stderr.end();
  expect(await text(stderr)).toBe("");
});
