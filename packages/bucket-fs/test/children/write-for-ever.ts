import { fsBucket } from "@bitstore/bucket-fs";
import { chunked, seededBytes } from "@bitstore/conformance";

// Puts, replaces and deletes objects until it is killed. An object's bytes follow from its seed,
// which stands in its first four bytes, so a reader can tell whole from half.

const [root = "", first = "1"] = process.argv.slice(2);
const bucket = await fsBucket({ root, create: true, lockStaleMs: 200 });
process.stdout.write("ready\n");
for (let seed = Number(first); ; seed += 1) {
  const bytes = Buffer.concat([Buffer.alloc(4), seededBytes(1000 + (seed % 7) * 50_000, seed)]);
  bytes.writeUInt32LE(seed);
  const key = `dir-${seed % 5}/blob-${seed % 3}`;
  if (seed % 11 === 0) await bucket.delete(key);
  else await bucket.put(key, chunked(bytes, [10_000]), { ifAbsent: seed % 4 === 0 });
}
