/**
 * Reads small blobs from MinIO behind 30 ms of round trip, with and without hedging, in turns of one
 * run: how long the slowest took, and how many more requests that cost. First on a clock of its own,
 * where only the service's delay counts; then for real, where a busy machine adds its own. BENCH_READS
 * sets the reads of each kind.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededBytes, seededRandom } from "@bitstore/conformance";
import type { OpenComposite } from "@bitstore/config";
import type { Digest } from "@bitstore/core";
import { openClouds, s3Cloud } from "../test/faults/clouds.ts";
import { startServices } from "../test/services/start-services.ts";
import { uniqueName } from "../test/services/services.ts";
import { type Delay, startSlowProxy } from "./hedge/slow-proxy.ts";
import { virtualReads } from "./hedge/virtual-reads.ts";

const reads = Number(process.env["BENCH_READS"] ?? 2000);
const blobs = 500;
const blobBytes = 4096;
/** Reads at a time: few, so that what is measured is the service's delay and not our queue. */
const lanes = 4;
/** Reads of one kind before the other has its turn. */
const turnReads = 100;

const random = seededRandom(1);
const scenarios: readonly { readonly name: string; readonly delay: Delay }[] = [
  {
    name: "30 ms, 2 of 100 answers 300 ms later",
    delay: () => 28 + 4 * random.next() + (random.chance(0.02) ? 300 : 0),
  },
  {
    name: "30 ms, 4 of 100 answers up to 500 ms later",
    delay: () => 28 + 4 * random.next() + (random.chance(0.04) ? 500 * random.next() : 0),
  },
  { name: "30 ms and as much jitter, no tail", delay: () => 15 + 30 * random.next() },
];

const heading = [
  "| scenario | hedging | p50 | p95 | p99 | max | requests a read |",
  "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
].join("\n");
console.log(heading.replace("scenario", "on a clock of its own"));
for (const { name, delay } of scenarios) {
  for (const hedge of [false, true]) {
    const { times, requests } = await virtualReads(delay, { hedge, reads: 20_000, lanes });
    printRow(name, hedge, times, requests);
  }
}
if (process.argv.includes("--virtual")) process.exit();
console.log("");

const environment = { ...process.env, BITSTORE_TEST_SERVICES: "s3" };
const { services, stop } = await startServices(environment, () => undefined);
const folder = await mkdtemp(join(tmpdir(), "bitstore-hedge-"));
try {
  if (services.s3 === undefined) throw new Error("MinIO can't be had");
  const cloud = s3Cloud("minio", services.s3);
  const bucket = uniqueName("hedge");
  await cloud.makeBucket(bucket);
  const digests = await plant(cloud.tier(bucket, cloud.endpoint));
  console.log(heading);
  for (const { name, delay } of scenarios) {
    await using proxy = await startSlowProxy(cloud.endpoint, delay);
    const tier = { name: "slow", ...cloud.tier(bucket, proxy.endpoint) };
    await using without = await openClouds(folder, [{ ...tier, hedge: false }], cloud.env);
    await using hedged = await openClouds(folder, [{ ...tier, hedge: true }], cloud.env);
    const kinds = [
      { hedging: "off", opened: without, times: [] as number[], requests: 0 },
      { hedging: "on", opened: hedged, times: [] as number[], requests: 0 },
    ];
    // What answers usually take has to be known before it can be exceeded.
    for (const { opened } of kinds) await readMany(opened, digests.slice(0, 100));
    proxy.takeRequests();
    for (let done = 0; done < reads; done += turnReads) {
      for (const kind of kinds) {
        const wanted = Array.from({ length: turnReads }, () => random.pick(digests));
        kind.times.push(...(await readMany(kind.opened, wanted)));
        kind.requests += proxy.takeRequests();
      }
    }
    for (const { hedging, times, requests } of kinds) {
      const ascending = times.toSorted((one, other) => one - other);
      printRow(name, hedging === "on", ascending, requests);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
  await stop();
}

function printRow(name: string, hedge: boolean, times: readonly number[], requests: number): void {
  const at = (share: number): string =>
    `${(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1)} ms`;
  const cells = [name, hedge ? "on" : "off", at(0.5), at(0.95), at(0.99), at(1)];
  console.log(`| ${cells.join(" | ")} | ${(requests / times.length).toFixed(3)} |`);
}

async function plant(tier: Readonly<Record<string, unknown>>): Promise<readonly Digest[]> {
  const env = services.s3 === undefined ? {} : s3Cloud("minio", services.s3).env;
  await using direct = await openClouds(folder, [{ name: "direct", origin: true, ...tier }], env);
  const digests: Digest[] = [];
  for (let blob = 0; blob < blobs; blob += 1) {
    digests.push((await direct.store.put(seededBytes(blobBytes, blob))).digest);
  }
  return digests;
}

/** Reads blobs, some at a time; the milliseconds that each took, to its last byte. */
async function readMany({ store }: OpenComposite, digests: readonly Digest[]): Promise<number[]> {
  const times: number[] = [];
  const waiting = digests.values();
  // The tier itself is asked: equal reads of a composite at a time would share one request.
  const source = store.tiers[0]?.source ?? store;
  const lane = async (): Promise<void> => {
    for (const digest of waiting) {
      const startedMs = performance.now();
      const content = await source.open(digest);
      const bytes = await content?.bytes();
      if (bytes?.byteLength !== blobBytes) throw new Error(`${digest} is not all there`);
      times.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return times;
}
