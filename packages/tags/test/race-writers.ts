import { type Bucket, type Digest, parseDigest, type TagLog } from "@bitstore/core";
import { tagLog, trustTargets } from "../src/index.ts";

/** The digest that a writer points a tag to: one for each of both. */
export function digestFor(writer: number, tag: number): Digest {
  return parseDigest(`${writer}`.padStart(32, "0") + `${tag}`.padStart(32, "0"));
}

/** The nonce of a writer's one write to a tag. */
export function nonceFor(writer: number, tag: number): string {
  return `${writer}`.padStart(16, "0") + `${tag}`.padStart(16, "0");
}

export function tagNameOf(tag: number): string {
  return `race/tag-${`${tag}`.padStart(3, "0")}`;
}

/** A log with a memory of its own. What a busy machine takes must not look like an outage. */
export function writerOn(bucket: Bucket): TagLog {
  return tagLog(bucket, {
    checkTarget: trustTargets,
    limits: { deadlineMs: 600_000, attemptMs: 120_000 },
  });
}

/**
 * Lets writers append once to every tag, all at once, each in an order of its own but near that of
 * the others, so that they meet. Resolves once all are acknowledged.
 */
export async function raceOn(
  open: () => Promise<Bucket>,
  writers: readonly number[],
  tags: number,
): Promise<void> {
  await Promise.all(
    writers.map(async (writer) => {
      const bucket = await open();
      const log = writerOn(bucket);
      for (let step = 0; step < tags; step += 1) {
        const tag = (step + (writer % 2)) % tags;
        const nonce = nonceFor(writer, tag);
        const entry = await log.append(tagNameOf(tag), digestFor(writer, tag), { nonce, base: 0 });
        if (entry.nonce !== nonce) throw new Error(`writer ${writer} got ${entry.nonce}`);
      }
      await bucket[Symbol.asyncDispose]();
    }),
  );
}
