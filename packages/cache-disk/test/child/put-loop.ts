/**
 * Puts blobs of a seeded sequence into a cache, several at a time, until it is killed or has put
 * them all. Prints one JSON line per acknowledged put. Arguments: directory, options as JSON.
 */
import { diskCache } from "@bitstore/cache-disk";
import { isStoreError } from "@bitstore/core";
import { seededBytes, seededWords } from "@bitstore/conformance";

const [directory = "", json = "{}"] = process.argv.slice(2);
interface Options {
  readonly bytesMax: number;
  readonly seed: number;
  readonly puts: number;
  readonly parallel: number;
  readonly blobs: number;
  readonly blobBytesMax: number;
}
const options: Options = JSON.parse(json);
const cache = await diskCache({
  directory,
  bytesMax: options.bytesMax,
  entryBytesMax: options.bytesMax,
});
const random = seededWords(options.seed);
let left = options.puts;

async function worker(): Promise<void> {
  while (left > 0) {
    left -= 1;
    const n = random() % options.blobs;
    const bytes = seededBytes((n * 7919) % options.blobBytesMax, n + 1);
    const stream = async function* () {
      for (let at = 0; at < bytes.byteLength; at += 50_000) {
        yield bytes.subarray(at, at + 50_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    try {
      const { digest, size, outcome } = await cache.put(stream);
      process.stdout.write(`${JSON.stringify({ digest, size, outcome })}\n`);
      const content = await cache.open(digest);
      const read = (await content?.bytes())?.byteLength ?? size;
      if (read !== size) throw new Error(`${digest} has ${read} bytes instead of ${size}`);
    } catch (error) {
      // Other puts may hold all of the budget for too long: that is an answer, not a failure.
      if (!isStoreError(error, "UNAVAILABLE")) throw error;
      process.stdout.write(`${JSON.stringify({ refused: error.detail })}\n`);
    }
    if (random() % 4 === 0) await cache.stats();
  }
}

await Promise.all(Array.from({ length: options.parallel }, worker));
await cache[Symbol.asyncDispose]();
process.stdout.write(`${JSON.stringify({ done: true })}\n`);
