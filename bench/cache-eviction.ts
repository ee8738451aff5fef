/**
 * Compares eviction policies by hit ratio and byte-hit ratio, on seeded traces, at three sizes of
 * the cache. SIEVE is the cache's own module; the others exist only here.
 */
import {
  fifo,
  lru,
  type MakePolicy,
  s3fifo,
  sieve,
  sieveAdmitting,
} from "./cache-eviction/policies.ts";
import {
  fadingTrace,
  loopTrace,
  oneHitTrace,
  risingTrace,
  scanTrace,
  type Trace,
  zipfTrace,
} from "./cache-eviction/traces.ts";

const requests = Number(process.env["BENCH_REQUESTS"] ?? 300_000);
const blobs = 50_000;
const policies: readonly MakePolicy[] = [lru, fifo, sieve, sieveAdmitting, s3fifo];
const shares: readonly number[] = [0.01, 0.05, 0.2];

const traces: readonly Trace[] = [
  zipfTrace(requests, blobs, 0.7, 1),
  zipfTrace(requests, blobs, 1, 2),
  oneHitTrace(requests, blobs, 0.3, 3),
  scanTrace(requests, blobs, 4),
  loopTrace(requests, blobs),
  fadingTrace(requests, blobs, 5),
  risingTrace(requests, blobs, 6),
];

/** Replays a trace and gives the shares of requests and of bytes that were hits. */
function replay(make: MakePolicy, trace: Trace, sizes: Map<number, number>, bytesMax: number) {
  const policy = make(bytesMax);
  let hits = 0;
  let hitBytes = 0;
  let bytes = 0;
  for (const key of trace.keys) {
    const size = sizes.get(key) ?? 0;
    bytes += size;
    if (!policy.request(key, size)) continue;
    hits += 1;
    hitBytes += size;
  }
  const percent = (share: number): string => (share * 100).toFixed(1).padStart(5);
  return { name: policy.name, cell: `${percent(hits / requests)} ${percent(hitBytes / bytes)}` };
}

console.log(`${requests} requests; each cell: hit ratio and byte-hit ratio, percent\n`);
for (const trace of traces) {
  const sizes = new Map<number, number>();
  let footprint = 0;
  for (const key of trace.keys) {
    if (sizes.has(key)) continue;
    const size = trace.bytesOf(key);
    sizes.set(key, size);
    footprint += size;
  }
  const head = shares.map((share) => `cache = ${share * 100} %`.padStart(14)).join("");
  console.log(`${trace.name.padEnd(24)}${head}`);
  for (const make of policies) {
    const rows = shares.map((share) => replay(make, trace, sizes, Math.floor(footprint * share)));
    console.log(
      `  ${(rows[0]?.name ?? "").padEnd(22)}${rows.map((row) => row.cell.padStart(14)).join("")}`,
    );
  }
  console.log("");
}
