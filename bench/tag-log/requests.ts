import { faultyBucket, noFaults } from "@bitstore/conformance";
import { memoryBucket, parseDigest, type TagLog } from "@bitstore/core";
import { tagLog, trustTargets } from "@bitstore/tags";

const digest = parseDigest("ab".repeat(32));
const operations = ["list", "listPrefixes", "read", "put", "delete"] as const;

/** Counts at the bucket what operations ask, and prints it beside the protocol's table. */
export async function printRequests(): Promise<void> {
  const bucket = faultyBucket(memoryBucket(), noFaults);
  const open = async (): Promise<TagLog> => {
    const log = tagLog(bucket, { checkTarget: trustTargets });
    // A handle's first write looks at what describes the metadata.
    await log.append("warm-up", digest);
    return log;
  };
  const counts = (): number[] => operations.map((each) => bucket.ledger.calls(each));
  const row = async (
    name: string,
    expected: string,
    run: () => Promise<unknown>,
  ): Promise<void> => {
    const before = counts();
    await run();
    const words = counts().flatMap((count, n) =>
      count === before[n]
        ? []
        : [`${count - (before[n] ?? 0)} ${(operations[n] ?? "").toUpperCase()}`],
    );
    console.log(`${name.padEnd(34)}${expected.padEnd(34)}${words.join(" + ") || "0"}`);
  };
  const fill = async (log: TagLog, tag: string, sets: number): Promise<void> => {
    for (let n = 0; n < sets; n += 1) await log.append(tag, digest);
  };

  const [log, other] = [await open(), await open()];
  await fill(log, "tag", 3000);
  const [early, late] = [await log.get("tag", 10), await log.get("tag", 2995)];
  await other.head("tag");
  console.log(`${"operation".padEnd(34)}${"protocol".padEnd(34)}counted`);
  await row("get, warm, in TTL", "0", () => log.head("tag", { maxAgeMs: 60_000 }));
  await row("get, warm, revalidated", "1 GET", () => log.head("tag"));
  const cold = await open();
  await row("get, cold", "1 LIST + 1 GET", () => cold.head("tag"));
  await row("set, warm", "1 PUT", () => log.append("tag", digest));
  const colder = await open();
  await row("set, cold", "1 LIST + 1 GET + 1 PUT", () => colder.append("tag", digest));
  await row("set, first of a tag", "1 LIST + 1 PUT", () => colder.append("new", digest));
  await log.head("tag");
  await colder.append("tag", digest);
  await row("set, lost one race", "1 PUT + 1 GET + 1 PUT", () => log.append("tag", digest));
  await row("history, 16 entries, warm", "0 or 1 GET", () =>
    drain(log.history("tag", { limit: 16 })),
  );
  await row("history, 1,000 entries", "1 LIST, times only", () =>
    drain(log.history("tag", { limit: 1000 })),
  );
  const [soon, longAgo] = [late, early].map((entry) => new Date(entry?.time ?? 0));
  await row("as of, 10 entries ago", "1 LIST + 1 GET", () => log.asOf("tag", soon ?? new Date()));
  await row("as of, 3,000 entries ago", "3 LIST + 1 GET", () =>
    log.asOf("tag", longAgo ?? new Date()),
  );
  await row("delete", "2 PUT", () => log.remove("tag"));
  await row("set of a deleted tag", "1 PUT and the markers", () => log.append("tag", digest));
  for (let tag = 0; tag < 1000; tag += 1) await log.append(`many/${tag}`, digest);
  await row("names of 1,000 tags", "2 LIST", () => drain(log.list({ prefix: "many/" })));
}

async function drain(items: AsyncIterable<unknown>): Promise<number> {
  let seen = 0;
  for await (const _ of items) seen += 1;
  return seen;
}
