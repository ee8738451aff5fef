import { createHash, randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { Agent, get, request } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type BitstoreServer, startBitstoreServer } from "../acceptance/bitstore-server.ts";
import { quantile, rush } from "../acceptance/cold-rush.ts";
import { startCountingOrigin } from "../acceptance/counting-origin.ts";
import { streamByPython } from "../acceptance/python-streams.ts";
import { pythonEnvironment } from "../interop/python-environment.ts";
import { hold, mebibytes, type Soak } from "./soak.ts";

const MiB = 2 ** 20;
/** One gibibyte, unless told otherwise for a quick look. */
const blobMebibytes = Number(process.env["BITSTORE_SOAK_HTTP_MIB"] ?? 1024);
const streamsCount = 64;
const rushCount = 1000;
const rushRounds = 3;
/** What the server may have resident for one stream, and for 64 of them with 4 MiB each on its way. */
const residentBytesMax = 400 * MiB;
const residentOfManyBytesMax = 800 * MiB;

/**
 * Streams 1 GiB in and out by Python's requests, has 1,000 clients ask for one cold blob, and reads
 * 64 streams of 1 GiB at once: requests at the origin, times to the first byte, resident memory.
 */
export const http: Soak = async (_services, folder, print) => {
  await streams(folder, print);
  // Handed out once it was verified, and handed out as it comes.
  for (const size of [4096, 256 * 1024, 8 * MiB]) await coldRushes(folder, size, print);
};

async function streams(folder: string, print: (line: string) => void): Promise<void> {
  const root = join(import.meta.dirname, "..", "interop", "requirements.txt");
  const { python } = await pythonEnvironment(root, process.env);
  await using server = await startBitstoreServer({
    folder,
    config: { tiers: [{ name: "disk", url: "./blobs", origin: true }] },
  });
  const size = blobMebibytes * MiB;
  if (python !== undefined) {
    const startedMs = performance.now();
    await streamByPython(python, server.url, blobMebibytes, "requests");
    const { residentBytesMax: resident } = server.use();
    print(
      `requests: ${mebibytes(size)} in and out in ${seconds(startedMs)}, the server had ` +
        `${mebibytes(resident)} resident at most`,
    );
    hold(resident < residentBytesMax, `streams take less than ${mebibytes(residentBytesMax)}`);
  }
  const digest = await putStream(server, size);
  const startedMs = performance.now();
  const agent = new Agent({ maxSockets: streamsCount });
  const counts = await Promise.all(
    Array.from({ length: streamsCount }, () => readStream(server, digest, agent)),
  );
  agent.destroy();
  hold(
    counts.every((count) => count === size),
    "each stream has all bytes",
  );
  const { residentBytesMax: resident } = server.use();
  print(
    `${streamsCount} streams of ${mebibytes(size)} at once in ${seconds(startedMs)}, the server had ` +
      `${mebibytes(resident)} resident at most`,
  );
  hold(
    resident < residentOfManyBytesMax,
    `${streamsCount} streams take less than ${mebibytes(residentOfManyBytesMax)}`,
  );
}

/** Puts a blob of numbered blocks, no two alike, and resolves to its digest. */
async function putStream({ url }: BitstoreServer, size: number): Promise<string> {
  const block = randomBytes(MiB);
  const hash = createHash("sha256");
  function* blocks(): Generator<Buffer, void, void> {
    for (let at = 0; at < size; at += MiB) {
      block.writeBigUInt64LE(BigInt(at));
      const chunk = Buffer.from(block);
      hash.update(chunk);
      yield chunk;
    }
  }
  const headers = { "content-length": size };
  const put = request(`${url}/v1/blobs`, { method: "POST", headers });
  const answered = new Promise<number>((resolve, reject) => {
    put.once("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    put.once("error", reject);
  });
  await pipeline(Readable.from(blocks()), put);
  hold((await answered) === 201, "a blob is put");
  return `sha256:${hash.digest("hex")}`;
}

/** Reads a blob and drops it; resolves to its bytes. An answer that breaks off rejects. */
function readStream({ url }: BitstoreServer, digest: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = get(`${url}/v1/blobs/${digest}`, { agent }, (response) => {
      let count = 0;
      response.on("data", (chunk: Buffer) => {
        count += chunk.byteLength;
      });
      response.once("error", reject);
      response.once("end", () => resolve(count));
    });
    asked.once("error", reject);
  });
}

/** Three blobs in turn, and what the last one took: a server that was just started runs interpreted. */
async function coldRushes(
  folder: string,
  size: number,
  print: (line: string) => void,
): Promise<void> {
  const blobs = Array.from({ length: rushRounds }, () => randomBytes(size));
  await using origin = await startCountingOrigin(blobs);
  const own = join(folder, `rush-${size}`);
  await mkdir(own);
  await using server = await startBitstoreServer({
    folder: own,
    config: {
      tiers: [
        { name: "cache", url: "./cache", role: "cache", bytesMax: "64MiB" },
        { name: "api", url: origin.url, timeoutMs: 120_000 },
      ],
    },
  });
  let said = "";
  for (const bytes of blobs) {
    const hex = createHash("sha256").update(bytes).digest("hex");
    const url = `${server.url}/v1/blobs/sha256:${hex}`;
    const { firstByteMs, digests } = await rush(url, rushCount, () => origin.open(hex));
    hold(digests.size === 1 && digests.has(`sha256:${hex}`), "all read the right bytes");
    hold(origin.requests(hex) === 1, "the origin is asked once");
    const [leader, p50, p99] = [0, 0.5, 0.99].map((part) => quantile(firstByteMs, part).toFixed(0));
    said = `first byte of the leader ${leader} ms after the origin answers, p50 ${p50} ms, p99 ${p99} ms`;
  }
  const resident = mebibytes(server.use().residentBytesMax);
  print(
    `${rushCount} GETs of one cold blob of ${size / 1024} KiB: 1 at the origin; ${said}; ` +
      `${resident} resident at most`,
  );
}

function seconds(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}
