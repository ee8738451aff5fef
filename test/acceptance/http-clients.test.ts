import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pythonEnvironment } from "../interop/python-environment.ts";
import { findOnPath } from "../services/find-on-path.ts";
import { type BitstoreServer, startBitstoreServer } from "./bitstore-server.ts";
import { rush } from "./cold-rush.ts";
import { startCountingOrigin } from "./counting-origin.ts";
import { streamByPython } from "./python-streams.ts";

// `bitstore serve` as a process of its own, asked by programs that know nothing of bitstore. A browser
// asks it in the tests of the console; `npm run soak http` does the same with the big sizes.

const MiB = 2 ** 20;
/** What a server may have resident, whatever it streams: it starts, from the sources, with half. */
const residentBytesMax = 400 * MiB;
const streamedMebibytes = 256;
const rushCount = 1000;

const curl = findOnPath("curl", process.env["PATH"]);
const requirements = join(import.meta.dirname, "..", "interop", "requirements.txt");
const { python } = await pythonEnvironment(requirements, process.env);

let folder: string;
let server: BitstoreServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bitstore-clients-"));
  const origin = { name: "disk", url: "./blobs", origin: true };
  server = await startBitstoreServer({ folder, config: { tiers: [origin] } });
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Sample {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly url: string;
  /** A file with the bytes. */
  readonly file: string;
}

async function sample(size: number): Promise<Sample> {
  const bytes = randomBytes(size);
  const hex = createHash("sha256").update(bytes).digest("hex");
  const file = join(folder, hex);
  await writeFile(file, bytes);
  return { bytes, digest: `sha256:${hex}`, url: `${server.url}/v1/blobs/sha256:${hex}`, file };
}

interface Curled {
  /** As curl's `--write-out` tells. */
  readonly status: number;
  readonly sentBytes: number;
  readonly body: Buffer;
  /** What `--verbose` tells: requests behind `>`, answers behind `<`. */
  readonly wire: string;
  readonly exit: number;
}

/** Runs curl, with something on its stdin if it is given. */
async function runCurl(words: readonly string[], input?: Buffer): Promise<Curled> {
  const out = join(folder, `out-${randomBytes(6).toString("hex")}`);
  const told = ["--write-out", "%{http_code} %{size_upload}", "--verbose", "--silent"];
  const target = words.includes("-o") ? [] : ["-o", out];
  const run = promisify(execFile)(curl ?? "curl", [...told, ...target, ...words]);
  run.child.stdin?.on("error", () => undefined);
  run.child.stdin?.end(input);
  type Failed = { code: number; stdout: string; stderr: string };
  const ended = await run.then(
    (good) => ({ ...good, code: 0 }),
    (failed: unknown) => failed as Failed,
  );
  const [status, sentBytes] = ended.stdout.split(" ").map(Number);
  const body = await readFile(out).catch(() => Buffer.alloc(0));
  return {
    status: status ?? 0,
    sentBytes: sentBytes ?? 0,
    body,
    wire: ended.stderr,
    exit: ended.code,
  };
}

describe.skipIf(curl === undefined)("curl", () => {
  test("puts, gets, looks, and is told that it has it", async () => {
    const { bytes, digest, url, file } = await sample(3 * MiB);
    const put = await runCurl(["-T", file, url]);
    expect(put).toMatchObject({ status: 201, exit: 0 });
    expect(JSON.parse(put.body.toString())).toEqual({ digest, size: bytes.byteLength });
    expect(await runCurl(["-T", file, url])).toMatchObject({ status: 200 });
    const etag = join(folder, "etag");
    const got = await runCurl(["--etag-save", etag, url]);
    expect(got.body.equals(bytes)).toBe(true);
    const head = await runCurl(["--head", url]);
    expect(head.status).toBe(200);
    expect(head.wire).toContain(`< content-length: ${bytes.byteLength}`);
    expect(head.wire).toContain(`< etag: "${digest}"`);
    const hash = createHash("sha256").update(bytes).digest("base64");
    expect(head.wire).toContain(`< repr-digest: sha-256=:${hash}:`);
    const again = await runCurl(["--etag-compare", etag, url]);
    expect(again).toMatchObject({ status: 304, exit: 0 });
    expect(again.body).toHaveLength(0);
  });

  test("reads ranges, and is told the size where one lies outside", async () => {
    const { bytes, url, file } = await sample(MiB);
    await runCurl(["-T", file, url]);
    const ranges = [
      ["0-99", bytes.subarray(0, 100)],
      ["1000-", bytes.subarray(1000)],
      ["-7", bytes.subarray(-7)],
    ] as const;
    for (const [range, wanted] of ranges) {
      const { status, body } = await runCurl(["-r", range, url]);
      expect([range, status, body.equals(wanted)]).toEqual([range, 206, true]);
    }
    const outside = await runCurl(["-r", `${MiB}-`, url]);
    expect(outside.status).toBe(416);
    expect(outside.wire).toContain(`< content-range: bytes */${MiB}`);
  });

  test("goes on with a download that broke off", async () => {
    const { bytes, url, file } = await sample(5 * MiB);
    await runCurl(["-T", file, url]);
    const part = join(folder, "part");
    await writeFile(part, bytes.subarray(0, 2 * MiB + 7));
    expect(await runCurl(["-C", "-", "-o", part, url])).toMatchObject({ status: 206, exit: 0 });
    expect((await readFile(part)).equals(bytes)).toBe(true);
  });

  test("uploads what comes by a pipe, in chunks of no declared length", async () => {
    const { bytes, digest, url } = await sample(2 * MiB);
    const chunked = await runCurl(["-T", "-", "-X", "POST", `${server.url}/v1/blobs`], bytes);
    expect(chunked).toMatchObject({ status: 201, exit: 0 });
    expect(chunked.wire).toMatch(/> transfer-encoding: chunked/i);
    expect(JSON.parse(chunked.body.toString())).toMatchObject({ digest });
    expect((await runCurl([url])).body.equals(bytes)).toBe(true);
  });

  test("waits to be told to send, and sends nothing where it is refused", async () => {
    const { url, file } = await sample(2 * MiB);
    const expecting = ["-H", "Expect: 100-continue", "--expect100-timeout", "60", "-T", file];
    const told = await runCurl([...expecting, url]);
    expect(told.status).toBe(201);
    expect(told.wire).toContain("< HTTP/1.1 100 Continue");
    const refused = await runCurl([...expecting, `${server.url}/v1/blobs/sha256:no-digest`]);
    expect(refused).toMatchObject({ status: 400, sentBytes: 0 });
    expect(refused.wire).not.toContain("100 Continue");
  });

  test("is told that it sent other bytes than it named, and nothing is stored", async () => {
    const { url } = await sample(1000);
    const { file } = await sample(1000);
    expect(await runCurl(["--fail-with-body", "-T", file, url])).toMatchObject({
      status: 422,
      exit: 22,
    });
    expect(await runCurl(["--fail", url])).toMatchObject({ status: 404, exit: 22 });
  });
});

describe.skipIf(python === undefined)("Python's requests", () => {
  test("streams a blob in and out, in bounded memory", { timeout: 240_000 }, async () => {
    const streamed = await streamByPython(python ?? "", server.url, streamedMebibytes, "requests");
    expect(streamed.size).toBe(streamedMebibytes * MiB);
    expect(server.use().residentBytesMax).toBeLessThan(residentBytesMax);
  });
});

test("many who want one cold blob cost the origin one request", { timeout: 120_000 }, async () => {
  const bytes = randomBytes(256 * 1024);
  const hex = createHash("sha256").update(bytes).digest("hex");
  await using origin = await startCountingOrigin([bytes]);
  const own = await mkdtemp(join(folder, "rush-"));
  await using rushed = await startBitstoreServer({
    folder: own,
    config: {
      tiers: [
        { name: "cache", url: "./cache", role: "cache", bytesMax: "64MiB" },
        { name: "api", url: origin.url, timeoutMs: 60_000 },
      ],
    },
  });
  const url = `${rushed.url}/v1/blobs/sha256:${hex}`;
  const { firstByteMs, digests } = await rush(url, rushCount, () => origin.open(hex));
  expect([...digests]).toEqual([`sha256:${hex}`]);
  expect(firstByteMs).toHaveLength(rushCount);
  expect(origin.requests(hex)).toBe(1);
  expect(rushed.use().residentBytesMax).toBeLessThan(residentBytesMax);
});
