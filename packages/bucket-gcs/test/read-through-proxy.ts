import { gcsBucket } from "@bitstore/bucket-gcs";

// Runs as a process of its own, since Node reads NODE_EXTRA_CA_CERTS when it starts. Prints what it
// has read, or the code and message of the error.

const bucket = gcsBucket({ bucket: "proxied", endpoint: process.argv[2] });
try {
  for (let turn = 0; turn < 3; turn += 1) {
    const content = await bucket.read("key");
    process.stdout.write((await content?.bytes()) ?? "miss");
  }
} catch (error) {
  process.stdout.write(error instanceof Error ? error.message : String(error));
}
await bucket[Symbol.asyncDispose]();
