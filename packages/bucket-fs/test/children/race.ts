import { fsBucket } from "@bitstore/bucket-fs";
import { collect, isStoreError } from "@bitstore/core";

// Races other processes like itself on one directory: `create` takes numbered keys with ifAbsent,
// `count` adds to a number under ifVersion. It prints how many of its turns won.

const [root = "", mode = "", turns = "0"] = process.argv.slice(2);
const bucket = await fsBucket({ root, create: true, fsync: false });
let won = 0;
for (let turn = 0; turn < Number(turns); ) {
  if (mode === "create") {
    const body = Buffer.from(`${process.pid}:`.repeat(1000));
    if ((await bucket.put(`blob-${turn}`, body, { ifAbsent: true })) === "created") won += 1;
    turn += 1;
    continue;
  }
  const content = await bucket.read("counter");
  if (content === undefined) throw new Error("the counter is gone");
  const number = Number(Buffer.from(await collect(content.body)).toString());
  try {
    const body = Buffer.from(String(number + 1));
    await bucket.put("counter", body, { ifVersion: content.version });
    won += 1;
    turn += 1;
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
}
process.stdout.write(String(won));
