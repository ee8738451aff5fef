/** Uses caches as a user without rights, and prints what it was answered. Arguments: directory. */
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { diskCache } from "@bitstore/cache-disk";
import { isStoreError } from "@bitstore/core";

const [parent = ""] = process.argv.slice(2);
process.setegid?.(65_534);
process.seteuid?.(65_534);

async function codeOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return isStoreError(error) ? error.code : String(error);
  }
}

const open = await codeOf(() => diskCache({ directory: join(parent, "foreign"), bytesMax: 8192 }));

const directory = join(parent, "own");
const cache = await diskCache({ directory, bytesMax: 8192 });
const { digest } = await cache.put(new Uint8Array(10));
await cache.put(new Uint8Array(11));
const [algorithm = "", hex = ""] = digest.split(":");
const top = join(directory, "blobs", algorithm);
const path = join(top, hex.slice(0, 2), hex.slice(2, 4), hex);
await chmod(path, 0o000);
const read = await codeOf(() => cache.open(digest));

async function setModes(mode: number): Promise<void> {
  for (const first of await readdir(top)) {
    for (const second of await readdir(join(top, first)))
      await chmod(join(top, first, second), mode);
  }
}
await setModes(0o500);
const put = await codeOf(() => cache.put(new Uint8Array(12)));
const entriesAfter = (await cache.stats()).entries;
await setModes(0o700);
const putAfter = await codeOf(async () => (await cache.put(new Uint8Array(12))).outcome);
await cache[Symbol.asyncDispose]();
console.log(JSON.stringify({ open, read, put, entriesAfter, putAfter }));
