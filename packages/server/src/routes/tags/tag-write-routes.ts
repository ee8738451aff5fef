import { parseDigest } from "@bitstore/core";
import { z } from "@hono/zod-openapi";
import { checkTagTarget } from "../../access/confined-writes.ts";
import { isConfined } from "../../access/principal.ts";
import { receiptHeader } from "../../access/receipts.ts";
import { digestSchema, exampleDigest, wholeQuery } from "../../openapi/schemas.ts";
import { readJson } from "../../wire/json.ts";
import { receiptHeaders, tagWriteHeaders } from "../request-headers.ts";
import { problem } from "../responses.ts";
import { defineRoute, type Route } from "../route.ts";
import { badName, entryResponse, seqMax, tagPath } from "./tag-responses.ts";
import { sendEntry, tagsOf, writeTag } from "./tag-writes.ts";

/** Text in a query, where control characters are refused. */
const queryText = (charsMax: number): z.ZodString =>
  z
    .string()
    .max(charsMax)
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/);

const saidQuery = {
  actor: queryText(256).optional().openapi({ description: "Who writes, without auth." }),
  reason: queryText(1024).optional().openapi({ description: "Why." }),
};
const baseQuery = {
  base: wholeQuery(
    0,
    seqMax,
    "With an Idempotency-Key: `retry.base` of the answer that is tried again",
  ).optional(),
};
type Base = { base?: number | undefined };

const writeProblems = {
  400: badName,
  404: problem("The blob is not at the origin, or the tag was never set."),
  412: problem("The condition does not hold; `current` is the newest entry, or null."),
};
const unknownWrite =
  " Where nobody can know whether it was written it is 503 with the code INDETERMINATE: then it may " +
  "only be tried again with `retry.nonce` as Idempotency-Key, and `retry.base` as `base`.";

const annotationsSchema = z
  .record(z.string().min(1), z.string())
  .openapi({ propertyNames: { type: "string", minLength: 1 } } as object);

/** What every body may say of its write. */
const saidFields = {
  actor: z.string().max(256).optional().openapi({
    description: "Who writes, without auth; with it the caller's own name is taken.",
  }),
  reason: z.string().max(1024).optional().openapi({ description: "Why." }),
};

const putBody = z.strictObject({
  digest: digestSchema,
  mediaType: z
    .string()
    .max(255)
    .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;[ -~]*)?$/, "it is not of the form type/subtype")
    .optional()
    .openapi({ description: "What the blob is, as `type/subtype`; it is served as that." }),
  annotations: annotationsSchema.optional().openapi({ description: "Anything said of it." }),
  ...saidFields,
  force: z.boolean().optional().openapi({
    description: "Writes also where the blob is not at the origin; false.",
  }),
});

export const putTag: Route = defineRoute(
  {
    ...tagPath,
    operationId: "putTag",
    method: "put",
    summary: "Point a tag to a blob",
    description: `Appends an entry.${unknownWrite}`,
    scope: "tag",
    query: z.strictObject(baseQuery),
    headers: { ...tagWriteHeaders, ...receiptHeaders },
    body: { description: "What it names.", required: true, media: { "application/json": putBody } },
    example: {
      headers: { "If-Match": '"1"' },
      json: { digest: exampleDigest, reason: "passed the review" },
    },
    responses: {
      200: entryResponse("The new entry."),
      201: entryResponse("The new entry, of a tag that was absent or deleted."),
      ...writeProblems,
      413: problem("The body is too long."),
    },
  },
  async (exchange, { base }: Base) => {
    const { digest: written, actor, reason, ...rest } = await readJson(exchange, putBody);
    const digest = parseDigest(written);
    const at = await tagsOf(exchange);
    const { tags, tag } = at;
    const { principal, receipts } = exchange;
    if (isConfined(principal)) {
      const receipt = exchange.incoming.headers[receiptHeader.toLowerCase()]?.toString();
      const head = await tags.head(tag, { signal: exchange.signal() });
      checkTagTarget(principal, { digest, receipt, head }, receipts);
    }
    const entry = await writeTag(exchange, at, { actor, reason, base }, (options) =>
      tags.append(tag, digest, { ...rest, ...options }),
    );
    const [before] = entry.recent;
    sendEntry(exchange, before === undefined || before.op === "delete" ? 201 : 200, entry);
  },
);

const patchBody = z.strictObject({
  annotations: annotationsSchema.openapi({ description: "They take the place of all that were." }),
  ...saidFields,
});

export const patchTag: Route = defineRoute(
  {
    ...tagPath,
    operationId: "annotateTag",
    method: "patch",
    summary: "Say something else of what a tag names",
    description: `Appends an entry with the same target.${unknownWrite}`,
    scope: "tag",
    query: z.strictObject(baseQuery),
    headers: tagWriteHeaders,
    body: {
      description: "The annotations, all of them.",
      required: true,
      media: { "application/json": patchBody },
    },
    example: { json: { annotations: { stage: "canary" } } },
    responses: {
      200: entryResponse("The new entry."),
      ...writeProblems,
      413: problem("The body is too long."),
    },
  },
  async (exchange, { base }: Base) => {
    const { annotations, actor, reason } = await readJson(exchange, patchBody);
    const at = await tagsOf(exchange);
    const entry = await writeTag(exchange, at, { actor, reason, base }, (options) =>
      at.tags.annotate(at.tag, annotations, options),
    );
    sendEntry(exchange, 200, entry);
  },
);

export const deleteTag: Route = defineRoute(
  {
    ...tagPath,
    operationId: "deleteTag",
    method: "delete",
    summary: "Delete a tag; its history stays",
    description: `Appends a tombstone.${unknownWrite}`,
    scope: "tag",
    query: z.strictObject({ ...baseQuery, ...saidQuery }),
    headers: tagWriteHeaders,
    example: { query: "reason=retired" },
    responses: { 200: entryResponse("The tombstone."), ...writeProblems },
  },
  async (exchange, said: Base & { actor?: string | undefined; reason?: string | undefined }) => {
    const at = await tagsOf(exchange);
    const entry = await writeTag(exchange, at, said, (options) => at.tags.remove(at.tag, options));
    sendEntry(exchange, 200, entry);
  },
);

const rollbackBody = z.strictObject({
  seq: z.number().int().min(1).openapi({ description: "The entry whose target it gets." }),
  ...saidFields,
});

export const rollbackTag: Route = defineRoute(
  {
    operationId: "rollbackTag",
    method: "post",
    path: "/v1/tags/{tag}/rollback",
    group: "tags",
    summary: "Point a tag to what an older entry named",
    description: `Appends a copy of that entry.${unknownWrite}`,
    scope: "tag",
    confined: "tag",
    query: z.strictObject(baseQuery),
    headers: tagWriteHeaders,
    body: {
      description: "The entry to go back to.",
      required: true,
      media: { "application/json": rollbackBody },
    },
    example: { json: { seq: 1, reason: "it was slow" } },
    responses: {
      200: entryResponse("The new entry."),
      ...writeProblems,
      413: problem("The body is too long."),
    },
  },
  async (exchange, { base }: Base) => {
    const { seq, actor, reason } = await readJson(exchange, rollbackBody);
    const at = await tagsOf(exchange);
    const entry = await writeTag(exchange, at, { actor, reason, base }, (options) =>
      at.tags.rollback(at.tag, seq, options),
    );
    sendEntry(exchange, 200, entry);
  },
);
