import { describeTagLog, faultyBucket, seededWords } from "@bitstore/conformance";
import { type Bucket, type Digest, digestOf, memoryBucket, type TagLog } from "@bitstore/core";
import { describe } from "vitest";
import { tagLog } from "../src/index.ts";
import { type BucketService, bucketServices, type MadeBucket } from "./buckets-of-services.ts";

// The suite of every tag log, over every kind of bucket. Each handle has a bucket of its own and a
// memory of its own, as another process would.

/** Answers that take a random time each, so that they come in another order than they were asked. */
const inDisorder: BucketService = {
  name: "memory with slow answers",
  isThere: true,
  make: async () => {
    const inner = memoryBucket();
    const random = seededWords(7);
    const open = async (): Promise<Bucket> =>
      faultyBucket(inner, () => (random() % 4 === 0 ? { delayMs: random() % 4 } : undefined));
    return { open, dispose: async () => undefined };
  },
};

for (const service of [...bucketServices, inDisorder]) {
  describe.skipIf(!service.isThere)(`on ${service.name}`, () => conforms(service));
}

const numbered = (n: number): Promise<Digest> => digestOf(Buffer.from(`blob ${n}`), "sha256");
const absent = await digestOf(Buffer.from("nowhere"), "sha256");

function conforms({ name, make }: BucketService): void {
  const made: MadeBucket[] = [];
  const opened: Bucket[] = [];
  const open = async (namespace: MadeBucket | undefined): Promise<TagLog> => {
    if (namespace === undefined) throw new Error("open comes first");
    const bucket = await namespace.open();
    opened.push(bucket);
    return tagLog(bucket, {
      checkTarget: async (digest) => (digest === absent ? undefined : { size: 100 }),
      limits: { pollMs: 50 },
    });
  };
  describeTagLog(name, {
    open: async () => {
      const namespace = await make();
      made.push(namespace);
      return open(namespace);
    },
    reopen: () => open(made[0]),
    target: numbered,
    absent,
    dispose: async () => {
      for (const bucket of opened) await bucket[Symbol.asyncDispose]();
      for (const namespace of made) await namespace.dispose();
    },
  });
}
