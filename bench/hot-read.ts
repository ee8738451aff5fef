/**
 * Measures what a whole read costs that a memory cache answers, `open` then `bytes()`: by a composite
 * with an origin behind it, as a server asks it too (with a listener, a signal, and the cache's health
 * kept), from a cache that it does not take at its word, by the cache alone, and by a bare Map. CPU microseconds of each, in turns of one run, and
 * the best of them, since the wall clock tells more of what else the machine does.
 *
 * BENCH_READS (100,000 of 4 KiB, 2,000 of 1 MiB) and BENCH_ROUNDS (5) say how much.
 */
import { randomBytes } from "node:crypto";
import {
  type BlobStore,
  bucketStore,
  type OpenOptions,
  composite,
  type Content,
  contentOfBytes,
  defineTier,
  type Digest,
  digestOf,
  measured,
  memoryBucket,
  memoryCache,
  shardedLayout,
} from "@bitstore/core";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);
const blobsCount = 16;

type Read = (digest: Digest) => Promise<Uint8Array | undefined>;

/** Reads blobs in turn, one after another; gives CPU microseconds of this process for each read. */
async function turn(read: Read, digests: readonly Digest[], count: number): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < count; ) {
    for (const digest of digests) {
      if ((await read(digest)) === undefined) throw new Error(`${digest} was not found`);
    }
    n += digests.length;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** Puts a cache before an origin. */
function withOrigin(cache: BlobStore): BlobStore {
  const origin = bucketStore(memoryBucket("origin"), shardedLayout(""), { name: "origin" });
  return composite({
    tiers: [
      defineTier({ name: "memory", source: cache, role: "cache" }),
      defineTier({ name: "origin", source: origin, origin: true }),
    ],
  });
}

for (const [size, countDefault] of [
  [4096, 100_000],
  [2 ** 20, 2000],
] as const) {
  const count = Number(process.env["BENCH_READS"] ?? countDefault);
  const blobs = Array.from({ length: blobsCount }, () => new Uint8Array(randomBytes(size)));
  const cache = memoryCache({ bytesMax: 2 ** 28 });
  const map = new Map<Digest, Uint8Array>();
  for (const bytes of blobs) {
    const digest = await digestOf(bytes, "sha256");
    await cache.put(bytes, { digest });
    map.set(digest, bytes);
  }
  const digests = [...map.keys()];

  const openMapped = async (digest: Digest): Promise<Content | undefined> => {
    const bytes = map.get(digest);
    return bytes && contentOfBytes({ size, source: "map" }, bytes);
  };
  const plain = withOrigin(cache);
  const served = withOrigin(measured(cache));
  const hashed = withOrigin({ ...cache, open: (digest, options) => cache.open(digest, options) });
  let hits = 0;
  const call: OpenOptions = {
    borrows: true,
    signal: new AbortController().signal,
    onAttempt: ({ outcome }) => {
      if (outcome === "hit") hits += 1;
    },
  };
  const reads: readonly (readonly [string, Read])[] = [
    ["a Map", async (digest) => await (await openMapped(digest))?.bytes()],
    ["memoryCache", async (digest) => await (await cache.open(digest))?.bytes()],
    ["composite", async (digest) => await (await plain.open(digest))?.bytes()],
    ["composite, hashing", async (digest) => await (await hashed.open(digest))?.bytes()],
    ["composite, as served", async (digest) => await (await served.open(digest, call))?.bytes()],
  ];
  const best = reads.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round += 1) {
    for (const [at, [, read]] of reads.entries()) {
      best[at] = Math.min(best[at] ?? 0, await turn(read, digests, count));
    }
  }
  if (hits === 0) throw new Error("the memory cache answered nothing");
  console.log(`\n${size} bytes, ${count} reads a turn, best of ${rounds}; CPU time of each read:`);
  const [mapUs = 0, cacheUs = 0] = best;
  for (const [at, [name]] of reads.entries()) {
    const us = best[at] ?? 0;
    console.log(
      `${name.padEnd(22)}${us.toFixed(2).padStart(9)} µs   / Map ${(us / mapUs).toFixed(1).padStart(6)}` +
        `   / memoryCache ${(us / cacheUs).toFixed(1).padStart(6)}`,
    );
  }
}
