/**
 * Puts blobs through a journal to an origin in a directory, several at a time, until it is killed.
 * The origin is slow and fails now and then. Prints the digest of each put that was acknowledged.
 * Arguments: directory of the journal, of the origin.
 */
import { randomBytes, randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { fsBucket } from "@bitstore/bucket-fs";
import { type BlobStore, bucketStore, shardedLayout, StoreError } from "@bitstore/core";
import { writeBack } from "../../src/index.ts";

const [directory = "", originDirectory = ""] = process.argv.slice(2);
const inner = bucketStore(
  await fsBucket({ root: originDirectory, create: true }),
  shardedLayout(""),
);
const chance = (probability: number): boolean => Math.random() < probability;

const origin: BlobStore = {
  ...inner,
  async put(body, options) {
    await pause(randomInt(8));
    if (chance(0.1)) throw fault("UNAVAILABLE");
    if (chance(0.03)) throw fault("PERMISSION_DENIED");
    const result = await inner.put(body, options);
    if (chance(0.05)) throw fault("TIMEOUT");
    return result;
  },
};

function fault(code: "UNAVAILABLE" | "PERMISSION_DENIED" | "TIMEOUT"): StoreError {
  return new StoreError({ code, operation: "put", message: "a fault" });
}

const journal = await writeBack(origin, {
  directory,
  bytesMax: 4 * 2 ** 20,
  concurrencyMax: 3,
  limits: { gatherBytes: 16_384, memoryBytesMax: 30_000, retryMs: 5, retryMsMax: 40 },
});
process.stdout.write("open\n");

async function worker(): Promise<void> {
  for (;;) {
    const size = randomInt(chance(0.1) ? 400_000 : 20_000);
    const bytes = randomBytes(size);
    const stream = async function* () {
      for (let at = 0; at < size; at += 10_000) {
        yield bytes.subarray(at, at + 10_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const { digest } = await journal.put(chance(0.5) ? bytes : stream);
    process.stdout.write(`${digest}\n`);
  }
}

await Promise.all([worker(), worker(), worker(), worker()]);
