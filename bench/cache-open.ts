/**
 * Opens a disk cache whose index has 10^7 entries (BENCH_ENTRIES), and prints how long that takes,
 * what memory it costs, and what the index costs a hit, a miss and a put that evicts. The index is
 * synthetic: its rows name blobs that have no files, which only the put notices, as misses.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { diskCache } from "@bitstore/cache-disk";
import { type Digest, parseDigest } from "@bitstore/core";

const entries = Number(process.env["BENCH_ENTRIES"] ?? 10_000_000);
const blobBytes = 4096;
const bytesMax = entries * blobBytes;
const directory = mkdtempSync(join(tmpdir(), "bitstore-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

const collect =
  "gc" in globalThis && typeof globalThis.gc === "function" ? globalThis.gc : undefined;
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Hex of entry number n: ascending, and spread over the whole range. */
function hexOf(n: number): string {
  const head = Math.floor((n / entries) * 2 ** 48)
    .toString(16)
    .padStart(12, "0");
  return head + n.toString(16).padStart(52, "5");
}

async function makeIndex(): Promise<void> {
  const cache = await diskCache({ directory, bytesMax });
  await cache[Symbol.asyncDispose]();
  const database = new DatabaseSync(join(directory, "index.sqlite"));
  const triggers = database
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    .all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${String(name)}`);
  database.exec("DROP INDEX entries_by_digest; PRAGMA synchronous = OFF; BEGIN");
  const insert = database.prepare("INSERT INTO entries VALUES (?, ?, ?, 0, ?)");
  // The order of the queue has nothing to do with that of the digests, as in a real cache.
  const stride = 7_368_787;
  for (let at = 0; at < entries; at += 1) {
    const key = Buffer.from(`12${hexOf((at * stride) % entries)}`, "hex");
    insert.run(at + 1, key, blobBytes, 1_700_000_000);
  }
  database.exec(`UPDATE totals SET entries = ${entries}, bytes = ${bytesMax},
    entry_bytes = ${bytesMax}, sequence = ${entries}, hand = 0; COMMIT`);
  database.exec("CREATE UNIQUE INDEX entries_by_digest ON entries (digest)");
  for (const { sql } of triggers) database.exec(String(sql));
  database.close();
}

/** Times each call on its own: CPU time on average, and percentiles by the wall clock. */
async function timed(count: number, call: (at: number) => Promise<unknown>): Promise<string> {
  const times = new Float64Array(count);
  const before = process.cpuUsage();
  for (let at = 0; at < count; at += 1) {
    const start = performance.now();
    await call(at);
    times[at] = (performance.now() - start) * 1000;
  }
  const { user, system } = process.cpuUsage(before);
  times.sort();
  const percentile = (share: number): string => (times[Math.floor(count * share)] ?? 0).toFixed(1);
  const cpu = ((user + system) / count).toFixed(1);
  return `${cpu} µs of CPU; median ${percentile(0.5)} µs, 99 % ${percentile(0.99)} µs`;
}

let state = 12_345;
function randomDigest(): Digest {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return parseDigest(`sha256:${hexOf(state % entries)}`);
}

console.log(`${entries} entries`);
await makeIndex();
console.log(`index: ${mebibytes(statSync(join(directory, "index.sqlite")).size)}`);
collect?.();
const residentBefore = process.memoryUsage.rss();
const start = performance.now();
const cache = await diskCache({ directory, bytesMax });
console.log(`open: ${(performance.now() - start).toFixed(1)} ms`);
console.log(`resident after open: +${mebibytes(process.memoryUsage.rss() - residentBefore)}`);
console.log(`hit, index only: ${await timed(100_000, () => cache.stat(randomDigest()))}`);
const absent = (at: number): Digest => parseDigest(`sha256:${at.toString(16).padStart(64, "e")}`);
console.log(`miss: ${await timed(100_000, (at) => cache.open(absent(at)))}`);
const puts = 5000;
const blobs = Array.from({ length: puts }, (_, at) => {
  const bytes = Buffer.alloc(blobBytes);
  bytes.writeUInt32LE(at + 1);
  return bytes;
});
// A cache of that size has all its folders; making them is not what is measured here.
for (const bytes of blobs) {
  const hex = createHash("sha256").update(bytes).digest("hex");
  const folder = join(directory, "blobs", "sha256", hex.slice(0, 2), hex.slice(2, 4));
  mkdirSync(folder, { recursive: true });
}
const put = (at: number): Promise<unknown> => cache.put(blobs[at] ?? new Uint8Array());
console.log(`put of 4 KiB that evicts: ${await timed(puts, put)}`);
console.log(`resident at the end: +${mebibytes(process.memoryUsage.rss() - residentBefore)}`);
await cache[Symbol.asyncDispose]();
