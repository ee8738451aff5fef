import { parseDigest } from "@bitstore/core";
import { httpSource } from "../src/index.ts";

// Fetches one blob in a process of its own, whose environment the test chose: url, digest.
const [url = "", digest = ""] = process.argv.slice(2);
const source = httpSource({ url, bodyIdleMs: 5000 });
try {
  const content = await source.open(parseDigest(digest));
  const bytes = await content?.bytes();
  process.stdout.write(JSON.stringify({ bytes: bytes?.byteLength ?? null }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: String(error) }));
} finally {
  await source[Symbol.asyncDispose]();
}
