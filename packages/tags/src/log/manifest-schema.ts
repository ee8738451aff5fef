import { z } from "zod";
import { type Digest, isDigest, type TagEntry, type TagRecord } from "@bitstore/core";
import { recentMax } from "./limits.ts";

const digest = z.custom<Digest>((value) => typeof value === "string" && isDigest(value));
const seq = z.int().min(1);
const size = z.int().min(0);
const nonce = z.string().regex(/^[0-9a-f]{32}$/);
const time = z.iso.datetime({ precision: 3 });
const operation = z.enum(["set", "delete", "restore", "annotate"]);
const record = z.object({
  seq,
  op: operation,
  digest: digest.optional(),
  size: size.optional(),
  time,
  actor: z.string(),
  reason: z.string().optional(),
  nonce,
});
export const manifestSchema: z.ZodType<Omit<TagEntry, "sha256">> = z
  .object({
    namespace: z.string(),
    tag: z.string(),
    seq,
    op: operation,
    target: z
      .object({
        digest,
        size: size.optional(),
        mediaType: z.string().optional(),
        alsoKnownAs: z.array(digest).optional(),
      })
      .optional(),
    restored: seq.optional(),
    prev: z.object({ seq, sha256: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
    nonce,
    actor: z.string(),
    client: z.string(),
    time,
    reason: z.string().optional(),
    annotations: z.record(z.string(), z.string()).optional(),
    recent: z.array(record).max(recentMax),
  })
  .refine(({ op, target }) => (op === "delete") === (target === undefined), {
    message: "target: a delete has none, everything else has one",
  })
  .refine((entry) => entry.prev?.seq === (entry.seq === 1 ? undefined : entry.seq - 1), {
    message: "prev: it is not the entry before",
  })
  // Readers walk along it and search by its times, so it must lead down.
  .refine(({ seq: own, time: last, recent }) => recent.every(isBelow(own, last)), {
    message: "recent: it is not the entries before, newest first",
  });

function isBelow(own: number, last: string): (record: TagRecord, index: number) => boolean {
  let later = Date.parse(last);
  return ({ seq: below, time: earlier }, index) => {
    const isInOrder = below === own - 1 - index && Date.parse(earlier) < later;
    later = Date.parse(earlier);
    return isInOrder;
  };
}
