import { fsBucket } from "@bitstore/bucket-fs";
import { openAuditLog } from "../../src/audit/audit-log.ts";

/**
 * Writes records into a log until it is told how many are enough, and says each that is stored. Run as
 * a process of its own: `node audit-process.ts DIRECTORY NAME COUNT`.
 */
const [directory = "", name = "", count = "0"] = process.argv.slice(2);
await using bucket = await fsBucket({ root: directory, create: true });
const log = openAuditLog(bucket, { limits: { windowMs: 1 } });
for (let at = 0; at < Number(count); at += 1) {
  const id = `${name}-${at}`;
  await log.append({
    phase: "intent",
    id,
    operation: "put",
    principal: name,
    namespace: "default",
  });
  process.stdout.write(`${id}\n`);
}
await log[Symbol.asyncDispose]();
