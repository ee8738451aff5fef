import { faultyBucket, noFaults } from "@bitstore/conformance";
import { type Bucket, memoryBucket, parseDigest } from "@bitstore/core";
import { tagLog, trustTargets } from "@bitstore/tags";
import { indexedBucket } from "./indexed-bucket.ts";
import type { Place } from "./places.ts";

const digest = parseDigest("ef".repeat(32));
const reads = 200;

/** Writes histories of these lengths, each a tag, once: other places get copies of the objects. */
async function makeHistories(lengths: readonly number[]): Promise<Bucket> {
  const bucket = memoryBucket();
  const log = tagLog(bucket, { checkTarget: trustTargets });
  for (const length of lengths) {
    for (let n = 0; n < length; n += 1) await log.append(`history-${length}`, digest);
  }
  return bucket;
}

async function copy(from: Bucket, to: Bucket, entriesMax: number): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of from.list("")) keys.push(key);
  // A tag that is too long for the place is left out.
  const left = keys.filter((key) => Number(/history-(\d+)/.exec(key)?.[1] ?? 0) <= entriesMax);
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        const bytes = await (await from.read(key))?.bytes();
        if (bytes !== undefined) await to.put(key, bytes, { size: bytes.byteLength });
      }
    }),
  );
}

/** Prints what the first read of a tag costs, by the length of its history. */
export async function printColdReads(
  places: readonly Place[],
  lengths: readonly number[],
  entriesMax: number,
): Promise<void> {
  const histories = await makeHistories(lengths);
  const indexed: Place = { name: "memory with an index", make: async () => indexedBucket() };
  const others = places.filter(({ name }) => name !== "memory");
  console.log("cold read (LIST of 1, GET), median ms, by entries of the tag's history");
  for (const { name, make } of [indexed, ...others]) {
    const bucket = await make();
    const max = name === indexed.name ? Number.POSITIVE_INFINITY : entriesMax;
    await copy(histories, bucket, max);
    let first: number | undefined;
    for (const length of lengths.filter((each) => each <= max)) {
      const { ms, requests } = await coldReads(bucket, `history-${length}`);
      first ??= ms;
      const ratio = `x ${(ms / first).toFixed(2)}`;
      const shown = `${ms.toFixed(3).padStart(10)} ms ${ratio.padStart(8)}`;
      console.log(
        `${name.padEnd(24)}${String(length).padStart(8)} entries${shown}   ${requests} requests`,
      );
    }
    await bucket[Symbol.asyncDispose]();
  }
}

/** Reads by new handles, one after the other; the median of the times. */
async function coldReads(
  bucket: Bucket,
  tag: string,
): Promise<{ readonly ms: number; readonly requests: number }> {
  const counting = faultyBucket(bucket, noFaults);
  const times: number[] = [];
  let requests = 0;
  for (let n = 0; n < reads; n += 1) {
    const log = tagLog(counting, { checkTarget: trustTargets });
    // A handle's first question looks at what describes the metadata as well.
    await log.head("none");
    const before = counting.ledger.calls();
    const from = performance.now();
    await log.head(tag);
    times.push(performance.now() - from);
    requests = counting.ledger.calls() - before;
  }
  times.sort((a, b) => a - b);
  return { ms: times[times.length >> 1] ?? 0, requests };
}
