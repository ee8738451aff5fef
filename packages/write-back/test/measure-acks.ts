/**
 * Measures puts that are acknowledged a second: through the journal, with every sync, and straight to
 * an origin that takes a while. Arguments: latency of the origin in milliseconds, blobs.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type BlobStore, bucketStore, memoryBucket, shardedLayout } from "@bitstore/core";
import { writeBack } from "../src/index.ts";

const [latency = "50", count = "1500"] = process.argv.slice(2);

function slowOrigin(): BlobStore {
  const inner = bucketStore(memoryBucket(), shardedLayout(""));
  return {
    ...inner,
    async put(body, options) {
      await pause(Number(latency));
      return await inner.put(body, options);
    },
  };
}

async function rate(
  put: (bytes: Uint8Array) => Promise<unknown>,
  bytes: number,
  parallel: number,
  blobs: number,
): Promise<string> {
  const bodies = Array.from({ length: blobs }, () => randomBytes(bytes));
  const waits: number[] = [];
  const startedMs = performance.now();
  const worker = async (): Promise<void> => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const atMs = performance.now();
      await put(body);
      waits.push(performance.now() - atMs);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  const seconds = (performance.now() - startedMs) / 1000;
  waits.sort((a, b) => a - b);
  const p = (share: number): string => (waits[Math.floor(waits.length * share)] ?? 0).toFixed(1);
  return `${Math.round(blobs / seconds)}/s (p50 ${p(0.5)} ms, p99 ${p(0.99)} ms)`;
}

const root = await mkdtemp(join(tmpdir(), "bitstore-acks-"));
let journals = 0;
for (const bytes of [4096, 2 ** 20]) {
  for (const parallel of [1, 16]) {
    const blobs = Math.ceil(Number(count) / (bytes > 2 ** 19 ? 10 : 1) / (parallel === 1 ? 5 : 1));
    const origin = slowOrigin();
    journals += 1;
    const directory = join(root, String(journals));
    const journal = await writeBack(origin, { directory, bytesMax: 2 ** 31, concurrencyMax: 16 });
    const through = await rate((body) => journal.put(body), bytes, parallel, blobs);
    const startedMs = performance.now();
    await journal.drain();
    const drainMs = Math.round(performance.now() - startedMs);
    await journal[Symbol.asyncDispose]();
    const few = Math.min(blobs, 20 * parallel);
    const direct = await rate((body) => origin.put(body), bytes, parallel, few);
    console.log(
      `${bytes} B, ${parallel} at a time: journal ${through}, drained ${drainMs} ms later; ` +
        `direct ${direct}`,
    );
  }
}
await rm(root, { recursive: true });
