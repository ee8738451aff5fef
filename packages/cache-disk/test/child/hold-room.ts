/**
 * Holds room in a cache for a put whose body stalls, says so, and stays a minute. Arguments:
 * directory, bytes.
 */
import { diskCache } from "@bitstore/cache-disk";

const [directory = "", bytes = "0"] = process.argv.slice(2);
const size = Number(bytes);
const cache = await diskCache({ directory, bytesMax: size, entryBytesMax: size });
const stalled = async function* () {
  yield new Uint8Array(300_000);
  while ((await cache.stats()).heldBytes < size)
    await new Promise((resolve) => setTimeout(resolve, 5));
  process.stdout.write("holding\n");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
};
await cache.put(stalled, { size });
