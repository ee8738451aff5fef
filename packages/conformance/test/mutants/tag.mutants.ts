import { describeTagLog } from "@bitstore/conformance";
import { digestOf, memoryBucket, type TagLog } from "@bitstore/core";
import { tagLog } from "@bitstore/tags";
import { type MutateTags, namingMutants, readingMutants, writingMutants } from "./tag-mutants.ts";

// Tag logs with one mistake each. suite-catches.test.ts expects every one to fail the suite.

const absent = await digestOf(Buffer.from("nowhere"), "sha256");

function mutant(name: string, mutate: MutateTags): void {
  const buckets = [memoryBucket()];
  const open = (bucket: ReturnType<typeof memoryBucket>): TagLog => {
    const inner = tagLog(bucket, {
      checkTarget: async (digest) => (digest === absent ? undefined : { size: 100 }),
      limits: { pollMs: 20 },
    });
    return { ...inner, ...mutate(inner) };
  };
  let opened = 0;
  describeTagLog(`mutant that ${name}`, {
    open: async () => {
      const bucket = buckets[opened] ?? memoryBucket();
      opened += 1;
      return open(bucket);
    },
    reopen: async () => open(buckets[0] ?? memoryBucket()),
    target: (n) => digestOf(Buffer.from(`blob ${n}`), "sha256"),
    absent,
    dispose: async () => undefined,
  });
}

const mutants = { ...namingMutants, ...writingMutants, ...readingMutants };
for (const [name, mutate] of Object.entries(mutants)) mutant(name, mutate);
