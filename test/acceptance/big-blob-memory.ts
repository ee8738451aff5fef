import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runBitstore } from "./run-bitstore.ts";

const MiB = 2 ** 20;

/** A place to put big blobs into. */
export interface Cloud {
  readonly name: string;
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The highest resident memory of the two processes, in bytes. */
export interface BigBlobMemory {
  readonly put: number;
  readonly get: number;
}

/**
 * Puts a blob of a size and gets it back, each by a process of its own, and measures them. Throws
 * unless both end well and the bytes come back as they were.
 */
export async function bigBlobMemory(
  cloud: Cloud,
  size: number,
  folder: string,
): Promise<BigBlobMemory> {
  const file = join(folder, "blob");
  const digest = await generate(file, size, `${cloud.name} ${size}`);
  const config = join(folder, "bitstore.json");
  const tier = { name: cloud.name, url: cloud.url, origin: true };
  await writeFile(config, JSON.stringify({ tiers: [tier] }));
  const options = { cwd: folder, env: { ...cloud.env, BITSTORE_CONFIG: config }, sampleMs: 20 };
  const put = await runBitstore(["put", file], options);
  must(put.status === 0 && put.stdout.startsWith(digest), `put on ${cloud.name}: ${put.stderr}`);
  await rm(file);
  const back = join(folder, "back");
  const get = await runBitstore(["get", digest, "-o", back], options);
  must(get.status === 0, `get on ${cloud.name}: ${get.stderr}`);
  must((await hashFile(back)) === digest, `get on ${cloud.name} gives other bytes`);
  await rm(back);
  return { put: put.residentBytesMax, get: get.residentBytesMax };
}

function must(good: boolean, what: string): void {
  if (!good) throw new Error(what);
}

/** Writes a file of numbered blocks, no two alike, and resolves to its digest. */
async function generate(path: string, size: number, seed: string): Promise<string> {
  const file = await open(path, "w");
  const hash = createHash("sha256");
  const block = Buffer.alloc(MiB);
  createHash("sha512").update(seed).digest().copy(block);
  for (let at = 64; at < MiB; at *= 2) block.copy(block, at, 0, at);
  for (let at = 0; at < size; at += MiB) {
    block.writeBigUInt64LE(BigInt(at));
    hash.update(block);
    await file.write(block, 0, Math.min(MiB, size - at));
  }
  await file.close();
  return `sha256:${hash.digest("hex")}`;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: MiB })) {
    hash.update(chunk as Buffer);
  }
  return `sha256:${hash.digest("hex")}`;
}
