import { type Algorithm, type Descriptor, parseDigest, type PutResult } from "@bitstore/core";
import { z } from "@hono/zod-openapi";
import { isConfined } from "../../access/principal.ts";
import { receiptHeader } from "../../access/receipts.ts";
import {
  algorithmSchema,
  descriptorSchema,
  digestSchema,
  pageMax,
  wholeQuery,
} from "../../openapi/schemas.ts";
import { sendJson, sendNothing } from "../../wire/json.ts";
import type { Exchange } from "../exchange.ts";
import { conditionHeaders, rangeHeaders, uploadHeaders } from "../request-headers.ts";
import { bytesMedia, problem } from "../responses.ts";
import { defineRoute, type Route } from "../route.ts";
import { absent, sendBlob } from "./send-blob.ts";
import { storeBody } from "./store-body.ts";

const stored = { media: "application/json", schema: descriptorSchema } as const;
const uploadResponses = {
  200: { description: "The origin had it already.", ...stored },
  201: {
    description:
      "It is durable at the origin. The only answer to a caller confined to tag prefixes, whether " +
      "the blob was there or not, and then with a `Bitstore-Receipt` that lets it be tagged.",
    ...stored,
    headers: { Location: "Where it is read." },
  },
  400: problem("The digest, the algorithm or the body's headers are malformed."),
  413: problem("The body is longer than any blob may be."),
};
const anyBytes = {
  description: "The bytes, of any length; none are a blob too.",
  required: false,
  media: { [bytesMedia]: undefined },
};

export const postBlob: Route = defineRoute(
  {
    operationId: "postBlob",
    method: "post",
    path: "/v1/blobs",
    group: "blobs",
    summary: "Store bytes under the digest that they have",
    description: "They are hashed as they come and named by `algorithm`, sha256 if left out.",
    scope: "write",
    confined: "any",
    query: z.strictObject({
      algorithm: algorithmSchema
        .optional()
        .openapi({ description: "What the digest is made by; sha256." }),
    }),
    headers: uploadHeaders,
    body: anyBytes,
    example: { file: "model.bin" },
    responses: uploadResponses,
  },
  async (exchange, query: { algorithm?: Algorithm | undefined }) => {
    const workspace = await exchange.workspace();
    answerStored(exchange, await storeBody(exchange, workspace, { algorithm: query.algorithm }));
  },
);

export const putBlob: Route = defineRoute(
  {
    operationId: "putBlob",
    method: "put",
    path: "/v1/blobs/{digest}",
    group: "blobs",
    summary: "Store bytes under a digest that they must match",
    scope: "write",
    confined: "any",
    headers: uploadHeaders,
    body: anyBytes,
    example: { file: "model.bin" },
    responses: {
      ...uploadResponses,
      422: problem("The bytes are others than the digest names; nothing is stored."),
    },
  },
  async (exchange) => {
    const digest = parseDigest(exchange.params["digest"] ?? "");
    const workspace = await exchange.workspace();
    answerStored(exchange, await storeBody(exchange, workspace, { digest }));
  },
);

function answerStored(exchange: Exchange, { digest, size, outcome }: PutResult): void {
  const { principal, receipts } = exchange;
  const existed = outcome === "existed" && !isConfined(principal);
  sendJson(
    exchange,
    existed ? 200 : 201,
    { digest, size },
    {
      location: `/v1/blobs/${digest}`,
      ...(isConfined(principal) ? { [receiptHeader]: receipts.issue(principal, digest) } : {}),
    },
  );
}

const blobResponseHeaders = {
  ETag: "The digest in quotes.",
  "Repr-Digest": "RFC 9530, of the whole blob; for sha256, sha512 and sha1.",
  "X-Bitstore-Tier": "The tier that it comes from.",
};
const readProblems = {
  400: problem("The digest or a condition is malformed."),
  404: problem("Every tier said that it is not there."),
  412: problem("If-Match names another digest."),
};
const notModified = { description: "If-None-Match names it, and it is there." };

const read = {
  path: "/v1/blobs/{digest}",
  group: "blobs",
  scope: "read",
  confined: "never",
} as const;

interface HeadQuery {
  readonly durable?: "true" | "false" | undefined;
}

async function sendByDigest(exchange: Exchange, { durable }: HeadQuery = {}): Promise<void> {
  const digest = parseDigest(exchange.params["digest"] ?? "");
  const workspace = await exchange.workspace();
  await sendBlob(exchange, workspace, { digest, keeps: "always", durable: durable === "true" });
}

export const getBlob: Route = defineRoute(
  {
    ...read,
    operationId: "getBlob",
    method: "get",
    summary: "Read a blob, or a range of it",
    description:
      "The answer ends only once all bytes were found to match the digest: where they don't, the " +
      "connection is reset, and what came before is to be thrown away, since a resumed download would " +
      "keep it. A range that could not be tied to a verified copy says so with " +
      "`X-Bitstore-Verified: false`. Of several ranges in one header none is heeded.",
    headers: { ...conditionHeaders, ...rangeHeaders },
    example: { flags: "-o model.bin" },
    responses: {
      200: { description: "All of it.", media: bytesMedia, headers: blobResponseHeaders },
      206: {
        description: "The range.",
        media: bytesMedia,
        headers: { ...blobResponseHeaders, "Content-Range": "What part it is." },
      },
      304: notModified,
      ...readProblems,
      416: problem("The range lies outside; Content-Range says the size."),
    },
  },
  sendByDigest,
);

export const headBlob: Route = defineRoute(
  {
    ...read,
    operationId: "headBlob",
    method: "head",
    summary: "Look whether a blob is there, and its size",
    headers: conditionHeaders,
    query: z.strictObject({
      durable: z.enum(["true", "false"]).optional().openapi({
        description: "Asks the origin alone: a copy in a cache makes nothing durable.",
      }),
    }),
    responses: {
      200: { description: "It is there.", headers: blobResponseHeaders },
      304: notModified,
      400: { description: readProblems[400].description },
      404: { description: readProblems[404].description },
      412: { description: readProblems[412].description },
    },
  },
  sendByDigest,
);

export const deleteBlob: Route = defineRoute(
  {
    operationId: "deleteBlob",
    method: "delete",
    path: "/v1/blobs/{digest}",
    group: "blobs",
    summary: "Delete a blob from the origin, then from the caches",
    scope: "delete",
    confined: "never",
    responses: {
      204: { description: "It is gone." },
      400: problem("The digest is malformed."),
      404: problem("It was not there."),
    },
  },
  async (exchange) => {
    const digest = parseDigest(exchange.params["digest"] ?? "");
    const { store, counters } = await exchange.workspace();
    const signal = exchange.signal();
    if (!(await store.delete(digest, { signal, onAttempt: counters.note }))) throw absent(digest);
    sendNothing(exchange, 204);
  },
);

export const listBlobs: Route = defineRoute(
  {
    operationId: "listBlobs",
    method: "get",
    path: "/v1/blobs",
    group: "blobs",
    summary: "List blobs in ascending order of their digests",
    scope: "read",
    confined: "never",
    query: z.strictObject({
      after: digestSchema.optional().openapi({ description: "Those greater than this." }),
      n: wholeQuery(1, pageMax, "Blobs on a page").optional(),
    }),
    example: { query: "n=100" },
    responses: {
      200: {
        description: "A page; `next` is there where more may follow, and is the next `after`.",
        media: "application/json",
        schema: z.object({ blobs: z.array(descriptorSchema), next: digestSchema.optional() }),
      },
      400: problem("The query is malformed."),
    },
  },
  async (exchange, query: { after?: string | undefined; n?: number | undefined }) => {
    const { store } = await exchange.workspace();
    const startAfter = query.after === undefined ? undefined : parseDigest(query.after);
    const most = query.n ?? pageMax;
    const blobs: Descriptor[] = [];
    for await (const each of store.list({ startAfter, signal: exchange.signal() })) {
      blobs.push({ digest: each.digest, size: each.size });
      if (blobs.length === most) break;
    }
    const next = blobs.length === most ? blobs.at(-1)?.digest : undefined;
    sendJson(exchange, 200, { blobs, ...(next === undefined ? {} : { next }) });
  },
);
