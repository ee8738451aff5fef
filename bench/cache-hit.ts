/**
 * Measures what a put and a hit of a 4 KiB blob cost in CPU time, 16 at a time, beside what writing
 * and reading the same files without a cache costs. CPU time, since the wall clock tells more of
 * what else the machine does. BENCH_BLOBS sets how many blobs.
 */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskCache } from "@bitstore/cache-disk";
import { digestOf } from "@bitstore/core";

const count = Number(process.env["BENCH_BLOBS"] ?? 20_000);
const size = 4096;
const parallel = 16;
const root = await mkdtemp(join(tmpdir(), "bitstore-bench-"));

/** Runs calls side by side; gives CPU microseconds of this process for each. */
async function measure(name: string, call: (n: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await call(next - 1);
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: parallel }, work));
  const { user, system } = process.cpuUsage(before);
  const each = (user + system) / count;
  console.log(`${name.padEnd(44)}${each.toFixed(1).padStart(8)} µs`);
  return each;
}

const blobs = Array.from({ length: count }, (_, n) => {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, n + 1);
  return bytes;
});
const digests = await Promise.all(blobs.map((bytes) => digestOf(bytes, "sha256")));
const blobOf = (n: number): Uint8Array => blobs[n % count] ?? new Uint8Array();
// Visits all in an order that has nothing to do with that of the puts.
const shuffled = (n: number): number => (n * 7919) % count;

const plain = join(root, "plain");
for (let shard = 0; shard < 256; shard += 1)
  await mkdir(join(plain, String(shard)), { recursive: true });
const plainPath = (n: number): string => join(plain, String(n % 256), String(n));

console.log(`${count} blobs of ${size} bytes, ${parallel} at a time; CPU time of each:`);
const write = await measure("write a file aside and rename it", async (n) => {
  await writeFile(`${plainPath(n)}.tmp`, blobOf(n));
  await rename(`${plainPath(n)}.tmp`, plainPath(n));
});
const read = await measure("read a file", (n) => readFile(plainPath(shuffled(n))));

const all = await diskCache({ directory: join(root, "all"), bytesMax: 2 * count * size });
const put = await measure("put", (n) => all.put(blobOf(n), { digest: digests[n], size }));
const open = async (n: number): Promise<unknown> => {
  const digest = digests[shuffled(n)];
  return digest === undefined ? undefined : await (await all.open(digest))?.bytes();
};
const firstHit = await measure("hit, the first of each (noted for later)", open);
const hit = await measure("hit", open);
const stat = await measure("stat: the index alone", async (n) => {
  const digest = digests[shuffled(n)];
  return digest === undefined ? undefined : await all.stat(digest);
});
await all[Symbol.asyncDispose]();

const half = await diskCache({ directory: join(root, "half"), bytesMax: (count * size) / 2 });
const fill = (n: number): Promise<unknown> => half.put(blobOf(n), { digest: digests[n], size });
await measure("put, the second half evicting the first", fill);
const evicting = await measure("put, all of them evicting", fill);
await half[Symbol.asyncDispose]();

const ratio = (a: number, b: number): string => (a / b).toFixed(2);
console.log(`\nput / plain write ${ratio(put, write)}, with eviction ${ratio(evicting, write)}`);
console.log(`hit / plain read ${ratio(hit, read)}, first hit ${ratio(firstHit, read)}`);
console.log(`index work of a hit: ${stat.toFixed(1)} µs`);
await rm(root, { recursive: true });
