/**
 * Opens a journal, and says so, or says why not. Stays until it is killed. Arguments: directory, what
 * to do where another process owns it.
 */
import { bucketStore, isStoreError, memoryBucket, shardedLayout } from "@bitstore/core";
import { writeBack } from "../../src/index.ts";

const [directory = "", takeover = "refuse"] = process.argv.slice(2);
const origin = bucketStore(memoryBucket(), shardedLayout(""));
try {
  await writeBack(origin, {
    directory,
    bytesMax: 2 ** 20,
    takeover: takeover === "wait" ? "wait" : "refuse",
    limits: { takeoverMs: 5 },
  });
  process.stdout.write("open\n");
  setInterval(() => undefined, 60_000);
} catch (error) {
  process.stdout.write(`${isStoreError(error) ? error.code : String(error)}\n`);
}
