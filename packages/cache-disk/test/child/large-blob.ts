/** Puts and reads a small and a large blob, and prints the most memory that it had. */
import { setFlagsFromString } from "node:v8";
import { diskCache } from "@bitstore/cache-disk";

setFlagsFromString("--max-old-space-size=64");
const [directory = ""] = process.argv.slice(2);
const cache = await diskCache({ directory, bytesMax: 2 ** 30, entryBytesMax: 2 ** 30 });

async function roundTrip(size: number): Promise<number> {
  const stream = async function* () {
    for (let at = 0; at < size; at += 65_536) {
      const chunk = new Uint8Array(65_536);
      new DataView(chunk.buffer).setUint32(0, at);
      yield chunk;
    }
  };
  const { digest } = await cache.put(stream);
  let bytes = 0;
  const content = await cache.open(digest);
  if (content === undefined) throw new Error("the blob is not there");
  for await (const chunk of content.body) bytes += chunk.byteLength;
  if (bytes !== size) throw new Error(`${bytes} bytes came back of ${size}`);
  return process.resourceUsage().maxRSS * 1024;
}

const small = await roundTrip(16 * 2 ** 20);
const large = await roundTrip(512 * 2 ** 20);
await cache[Symbol.asyncDispose]();
console.log(JSON.stringify({ small, large }));
