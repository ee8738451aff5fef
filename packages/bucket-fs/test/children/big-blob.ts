import { fsBucket } from "@bitstore/bucket-fs";
import { seededBytes } from "@bitstore/conformance";

// Puts and reads one big object in chunks, and prints the largest resident size of the process.

const [root = "", size = "0"] = process.argv.slice(2);
const bucket = await fsBucket({ root, create: true, fsync: false });
const chunk = seededBytes(1024 * 1024);

async function* body(): AsyncGenerator<Uint8Array, void, void> {
  for (let left = Number(size); left > 0; left -= chunk.byteLength) {
    yield chunk.slice(0, Math.min(left, chunk.byteLength));
  }
}

await bucket.put("blob.bin", body, { size: Number(size) });
const content = await bucket.read("blob.bin");
let read = 0;
for await (const part of content?.body ?? body()) read += part.byteLength;
if (read !== Number(size)) throw new Error(`${read} bytes were read`);
process.stdout.write(String(process.resourceUsage().maxRSS * 1024));
