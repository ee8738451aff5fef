import { fsBucket } from "@bitstore/bucket-fs";
import { isStoreError } from "@bitstore/core";

// Opens more reads than the process may have files, then disposes them and reads once more.

const [root = ""] = process.argv.slice(2);
const bucket = await fsBucket({ root, create: true });
await bucket.put("blob.txt", Buffer.from("x"));
const results = await Promise.allSettled(
  Array.from({ length: 300 }, () => bucket.read("blob.txt")),
);
const codes = new Set<string>();
for (const result of results) {
  if (result.status === "fulfilled") await result.value?.[Symbol.asyncDispose]();
  else codes.add(isStoreError(result.reason) ? result.reason.code : String(result.reason));
}
const after = await (await bucket.read("blob.txt"))?.bytes();
process.stdout.write(JSON.stringify({ codes: [...codes], after: after?.byteLength }));
