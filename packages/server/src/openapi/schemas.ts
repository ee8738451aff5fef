import { algorithms, tagEncodedBytesMax } from "@bitstore/core";
import { z } from "@hono/zod-openapi";

/** Largest page of a list, and the one that is given where nothing is said. */
export const pageMax = 1000;
export const pageDefault = 100;
/** Tags whose newest entries come with the list. */
export const expandedMax = 100;

/** What the documents show: the digest of `test`, and a tag. */
export const exampleDigest =
  "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
export const exampleTag = "models/prod";

export const digestSchema: z.ZodType<string> = z
  .string()
  .regex(digestPattern(), "is no digest; it is algorithm:hex, in lower case")
  .openapi("Digest", {
    description: "`algorithm:hex`, lower case; bare hex is read by its length.",
    example: exampleDigest,
  });

function digestPattern(): RegExp {
  return /^((sha1:)?[0-9a-f]{40}|((sha256|sha3-256|blake3):)?[0-9a-f]{64}|(sha512:)?[0-9a-f]{128})$/;
}

export const tagNameSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .max(tagEncodedBytesMax)
  .regex(/^(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)*$/)
  .openapi("TagName", {
    description:
      "Segments of `A-Z a-z 0-9 . _ -`, none of them `.` or `..`, with slashes between them, which " +
      "are written as `%2F`; at most 240 bytes once encoded.",
    example: exampleTag,
  });

const whole = z.number().int().min(0);

export const descriptorSchema: z.ZodType = z
  .object({ digest: digestSchema, size: whole })
  .openapi("Descriptor");

export const algorithmSchema: z.ZodType<(typeof algorithms)[number]> = z.enum(algorithms);

/** A whole number in a query. */
export function wholeQuery(least: number, most: number, description: string): z.ZodType<number> {
  return z
    .string()
    .regex(/^\d{1,16}$/, "it is no whole number")
    .transform(Number)
    .refine((value) => value >= least && value <= most, `it is not from ${least} to ${most}`)
    .openapi({ type: "integer", minimum: least, maximum: most, description });
}

const attemptSchema = z.object({
  tier: z.string(),
  outcome: z.enum(["hit", "miss", "corrupt", "failed", "denied", "archived", "skipped"]),
  elapsedMs: z.number(),
  bytes: whole,
  note: z.string().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
});

export const explanationSchema: z.ZodType = z
  .object({
    digest: digestSchema,
    outcome: z.enum(["found", "absent", "unavailable"]),
    tier: z.string().optional(),
    size: whole.optional(),
    attempts: z.array(attemptSchema),
  })
  .openapi("Explanation");

const recordShape = {
  seq: z.number().int().min(1),
  op: z.enum(["set", "delete", "restore", "annotate"]),
  time: z.string(),
  actor: z.string(),
  reason: z.string().optional(),
  nonce: z.string(),
};

export const tagRecordSchema: z.ZodType = z
  .object({ ...recordShape, digest: digestSchema.optional(), size: whole.optional() })
  .openapi("TagRecord", { description: "What the history of a tag shows of an entry." });

export const tagEntrySchema: z.ZodType = z
  .object({
    ...recordShape,
    namespace: z.string(),
    tag: z.string(),
    target: z
      .object({
        digest: digestSchema,
        size: whole.optional(),
        mediaType: z.string().optional(),
        alsoKnownAs: z.array(digestSchema).optional(),
      })
      .optional(),
    restored: z.number().int().min(1).optional(),
    prev: z.object({ seq: z.number().int().min(1), sha256: z.string() }).optional(),
    client: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
    recent: z.array(tagRecordSchema),
    sha256: z.string(),
  })
  .openapi("TagEntry", { description: "One entry of a tag's log: its manifest." });

export const problemSchema: z.ZodType = z
  .object({
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    requestId: z.string(),
    persistence: z.enum(["permanent", "transient", "exhausted"]),
    retryAfterMs: z.number().optional(),
    attempts: z.array(attemptSchema).optional(),
    current: z.union([tagEntrySchema, z.null()]).optional(),
    retry: z.object({ nonce: z.string(), base: whole }).optional(),
  })
  .openapi("Problem", { description: "What every error is answered with; RFC 9457." });
