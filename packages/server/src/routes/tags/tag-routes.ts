import { isLive, StoreError, type TagEntry, type TagRecord } from "@bitstore/core";
import { z } from "@hono/zod-openapi";
import { isConfined } from "../../access/principal.ts";
import { receiptHeader } from "../../access/receipts.ts";
import {
  expandedMax,
  pageDefault,
  pageMax,
  tagEntrySchema,
  tagNameSchema,
  tagRecordSchema,
  wholeQuery,
} from "../../openapi/schemas.ts";
import { matchesWeakly, parseEntityTags } from "../../wire/conditions.ts";
import { sendJson, sendNothing } from "../../wire/json.ts";
import { sendBlob } from "../blobs/send-blob.ts";
import type { Exchange } from "../exchange.ts";
import { conditionHeaders, rangeHeaders, tagReadHeaders } from "../request-headers.ts";
import { bytesMedia, problem } from "../responses.ts";
import { defineRoute, type Route } from "../route.ts";
import { badName, entryResponse, seqMax, tagPath } from "./tag-responses.ts";
import { entryHeaders, sendEntry, tagsOf, tagsOrNone } from "./tag-writes.ts";

const neverSet = problem("The tag was never set, or has no such entry.");

export const getTag: Route = defineRoute(
  {
    ...tagPath,
    operationId: "getTag",
    method: "get",
    summary: "Read what a tag names: its newest entry, or an older one",
    description: "A deleted tag is answered with its tombstone, whose `op` is `delete`.",
    scope: "read",
    query: z.strictObject({
      seq: wholeQuery(1, seqMax, "The entry with this sequence").optional(),
      at: z.iso
        .datetime({ offset: true })
        .optional()
        .openapi({ description: "The entry that was the newest then; `seq` goes before it." }),
    }),
    headers: tagReadHeaders,
    responses: {
      200: entryResponse("The entry."),
      304: { description: "It is at the sequence that If-None-Match names." },
      400: badName,
      404: neverSet,
    },
  },
  async (exchange, { seq, at }: { seq?: number | undefined; at?: string | undefined }) => {
    const none = parseEntityTags(exchange.incoming.headers["if-none-match"], "If-None-Match");
    const { tags, tag } = await tagsOf(exchange);
    const signal = exchange.signal();
    const entry =
      seq !== undefined
        ? await tags.get(tag, seq, { signal })
        : at !== undefined
          ? await tags.asOf(tag, new Date(at), { signal })
          : await tags.head(tag, { signal });
    if (entry === undefined) throw absentTag(tag);
    if (none !== undefined && matchesWeakly(none, String(entry.seq))) {
      sendNothing(exchange, 304, entryHeaders(exchange, entry));
    } else sendEntry(exchange, 200, entry);
  },
);

interface TagBlobQuery {
  readonly seq?: number | undefined;
}

const blobOfTag = {
  path: "/v1/tags/{tag}/blob",
  group: "tags",
  scope: "read",
  confined: "tag",
  query: z.strictObject({
    seq: wholeQuery(1, seqMax, "What it pointed to at this sequence").optional(),
  }),
} as const;

async function sendTagged(exchange: Exchange, { seq }: TagBlobQuery): Promise<void> {
  const workspace = await exchange.workspace();
  const { tags, tag } = await tagsOf(exchange);
  const signal = exchange.signal();
  const { principal, receipts } = exchange;
  const confined = isConfined(principal);
  const head = seq === undefined || confined ? await tags.head(tag, { signal }) : undefined;
  // A deleted tag leads nowhere for who reaches blobs through tags alone.
  if (confined && head !== undefined && !isLive(head)) throw deletedTag(head);
  const entry = seq === undefined ? head : await tags.get(tag, seq, { signal });
  if (entry === undefined) throw absentTag(tag, seq);
  if (!isLive(entry)) throw deletedTag(entry);
  const { digest, mediaType } = entry.target;
  const headers = confined ? { [receiptHeader]: receipts.issue(principal, digest) } : undefined;
  // Also of an entry, which never changes: who may read through the tag may change.
  await sendBlob(exchange, workspace, { digest, mediaType, keeps: "never", headers });
}

export const getTagBlob: Route = defineRoute(
  {
    ...blobOfTag,
    operationId: "getTagBlob",
    method: "get",
    summary: "Read the blob that a tag points to now, or pointed to",
    description:
      "As a blob is read by its digest, ranges and conditions included; its ETag is the digest. " +
      "What an older entry names is there as long as it is kept from garbage collection.",
    headers: { ...conditionHeaders, ...rangeHeaders },
    example: { flags: "-o model.bin" },
    responses: {
      200: { description: "All of it, as what was recorded of it.", media: bytesMedia },
      206: { description: "The range.", media: bytesMedia },
      304: { description: "If-None-Match names its digest." },
      400: badName,
      404: problem("The tag, its entry or its blob is absent, or the entry is a deletion."),
      412: problem("If-Match names another digest."),
      416: problem("The range lies outside; Content-Range says the size."),
    },
  },
  sendTagged,
);

export const headTagBlob: Route = defineRoute(
  {
    ...blobOfTag,
    operationId: "headTagBlob",
    method: "head",
    summary: "Look at the size and digest of the blob that a tag points to now, or pointed to",
    headers: conditionHeaders,
    responses: {
      200: { description: "It is there." },
      304: { description: "If-None-Match names its digest." },
      400: { description: "The name, the query or a condition is malformed." },
      404: { description: "The tag, its entry or its blob is absent, or the entry is a deletion." },
      412: { description: "If-Match names another digest." },
    },
  },
  sendTagged,
);

export const tagHistory: Route = defineRoute(
  {
    operationId: "tagHistory",
    method: "get",
    path: "/v1/tags/{tag}/history",
    group: "tags",
    summary: "List what happened to a tag, newest first",
    scope: "read",
    confined: "tag",
    query: z.strictObject({
      before: wholeQuery(1, seqMax, "Entries below this sequence").optional(),
      n: wholeQuery(1, pageMax, "Entries on a page").optional(),
    }),
    example: { query: "n=20" },
    responses: {
      200: {
        description:
          "A page, empty where the tag was never set; `next` is there where more may follow, and is " +
          "the next `before`.",
        media: "application/json",
        schema: z.object({
          records: z.array(tagRecordSchema),
          next: z.number().int().min(1).optional(),
        }),
      },
      400: badName,
    },
  },
  async (exchange, query: { before?: number | undefined; n?: number | undefined }) => {
    const { tags, tag } = await tagsOf(exchange);
    const { before, n: limit = pageDefault } = query;
    const records: TagRecord[] = [];
    for await (const each of tags.history(tag, { before, limit, signal: exchange.signal() })) {
      records.push(each);
    }
    const last = records.at(-1)?.seq ?? 1;
    const next = records.length === limit && last > 1 ? last : undefined;
    sendJson(exchange, 200, { records, ...(next === undefined ? {} : { next }) });
  },
);

export const listTags: Route = defineRoute(
  {
    operationId: "listTags",
    method: "get",
    path: "/v1/tags",
    group: "tags",
    summary: "List the names of tags",
    scope: "read",
    confined: "never",
    query: z.strictObject({
      prefix: z
        .string()
        .max(240)
        .regex(/^[A-Za-z0-9._/-]*$/)
        .optional()
        .openapi({ description: "Names that begin so." }),
      after: tagNameSchema.optional(),
      n: wholeQuery(1, pageMax, "Names on a page").optional(),
      deleted: z.enum(["true", "false"]).optional().openapi({ description: "Deleted ones too." }),
      expand: z
        .literal("head")
        .optional()
        .openapi({ description: `Adds the newest entries; at most ${expandedMax} on a page.` }),
    }),
    example: { query: "prefix=models/&expand=head" },
    responses: {
      200: {
        description: "A page; `next` is there where more may follow, and is the next `after`.",
        media: "application/json",
        schema: z.object({
          tags: z.array(z.string()),
          heads: z.array(z.union([tagEntrySchema, z.null()])).optional(),
          next: z.string().optional(),
        }),
      },
      400: badName,
    },
  },
  async (exchange, query: TagListQuery) => {
    const workspace = await exchange.workspace();
    const tags = tagsOrNone(workspace.tags);
    const signal = exchange.signal();
    const { prefix, after: startAfter, expand } = query;
    const most = expand === undefined ? pageMax : expandedMax;
    const limit = Math.min(most, query.n ?? pageDefault);
    const deleted = query.deleted === "true";
    const names: string[] = [];
    for await (const name of tags.list({ prefix, startAfter, limit, deleted, signal })) {
      names.push(name);
    }
    const next = names.length === limit ? names.at(-1) : undefined;
    const heads =
      expand === undefined
        ? undefined
        : await Promise.all(names.map(async (name) => (await tags.head(name, { signal })) ?? null));
    sendJson(exchange, 200, {
      tags: names,
      ...(heads === undefined ? {} : { heads }),
      ...(next === undefined ? {} : { next }),
    });
  },
);

interface TagListQuery {
  readonly prefix?: string | undefined;
  readonly after?: string | undefined;
  readonly n?: number | undefined;
  readonly deleted?: "true" | "false" | undefined;
  readonly expand?: "head" | undefined;
}

export const verifyTag: Route = defineRoute(
  {
    operationId: "verifyTag",
    method: "get",
    path: "/v1/tags/{tag}/verify",
    group: "tags",
    summary: "Read the whole log of a tag and say what is wrong with it",
    scope: "read",
    confined: "tag",
    responses: {
      200: {
        description: "What was found, also where the tag was never set.",
        media: "application/json",
        schema: z.object({
          tag: z.string(),
          seq: z.number().int(),
          sha256: z.string().optional(),
          problems: z.array(z.object({ seq: z.number().int(), problem: z.string() })),
        }),
      },
      400: badName,
    },
  },
  async (exchange) => {
    const { tags, tag } = await tagsOf(exchange);
    sendJson(exchange, 200, await tags.verify(tag, { signal: exchange.signal() }));
  },
);

/** Makes the error of a tag that named something once. */
function deletedTag({ tag, time, actor, recent }: TagEntry): StoreError {
  const before = recent.find(({ op }) => op !== "delete")?.seq;
  const way = before === undefined ? "" : `; its entry ${before} says what it named`;
  const message = `it was deleted at ${time} by ${actor}${way}`;
  return new StoreError({ code: "NOT_FOUND", operation: "open", subject: tag, message });
}

/** Makes the error of a tag that names nothing. */
function absentTag(tag: string, seq?: number): StoreError {
  const message =
    seq === undefined
      ? "there is no such tag, or no such entry of it"
      : `it has no entry ${seq}; its history lists those that it has`;
  return new StoreError({ code: "NOT_FOUND", operation: "open", subject: tag, message });
}
