import type { Digest } from "@bitstore/core";
import { z } from "@hono/zod-openapi";
import { digestSchema, exampleDigest } from "../../openapi/schemas.ts";
import { type DigestList, ndjsonMedia, readDigestList } from "../../wire/digest-list.ts";
import { sendItems } from "../../wire/send-lines.ts";
import { listHeaders } from "../request-headers.ts";
import { problem } from "../responses.ts";
import { defineRoute, type Route } from "../route.ts";
import { sendArchive, tarMedia } from "./send-archive.ts";

const listBody = {
  description:
    "The digests: one JSON array, or one JSON string a line. The list is read to its end before the " +
    "answer begins.",
  required: true,
  media: { "application/json": z.array(digestSchema), [ndjsonMedia]: z.string() },
};
const listProblems = {
  400: problem("The list is malformed; which item is said."),
  413: problem("The list is too long."),
};

export const missingBlobs: Route = defineRoute(
  {
    operationId: "missingBlobs",
    method: "post",
    path: "/v1/blobs/missing",
    group: "blobs",
    summary: "Say which blobs of a list the origin does not have",
    description:
      "What is not named in the answer is durable: the origin is asked for each, and no cache. The " +
      "answer is in the order of the list, and in its form unless Accept says another.",
    scope: "read",
    confined: "never",
    headers: listHeaders,
    body: listBody,
    example: { json: [exampleDigest] },
    responses: {
      200: {
        description: "The missing ones, also as lines.",
        media: "application/json",
        schema: z.array(digestSchema),
      },
      ...listProblems,
    },
  },
  async (exchange) => {
    const { store } = await exchange.workspace();
    await using list = await readDigestList(exchange);
    const signal = exchange.signal();
    async function* missing(): AsyncGenerator<Digest, void, void> {
      for await (const batch of list.batches()) {
        const found = await Promise.all(batch.map((digest) => store.durable(digest, { signal })));
        for (const [at, digest] of batch.entries()) if (found[at] === undefined) yield digest;
      }
    }
    await sendItems(exchange, missing(), wantsArray(exchange.incoming.headers.accept, list));
  },
);

/** Chooses the form of the answer: the one that is asked for, else the one that the list has. */
function wantsArray(
  accept: string | undefined,
  { isArray }: { readonly isArray: boolean },
): boolean {
  const asked = accept?.toLowerCase() ?? "";
  if (asked.includes(ndjsonMedia)) return false;
  return asked.includes("application/json") || isArray;
}

export const fetchBlobs: Route = defineRoute(
  {
    operationId: "fetchBlobs",
    method: "post",
    path: "/v1/blobs/fetch",
    group: "blobs",
    summary: "Read many blobs as one tar archive",
    description:
      "An entry for each blob, named `algorithm/hex`, as they come, and not in the order of the list. " +
      "What is missing or can't be had does not stop the others. The last entry, " +
      "`.bitstore/report.ndjson`, has a line for each digest of the list: " +
      "`{digest, status, tier?, size?, elapsedMs, error?}`, where status is `fetched`, `cached`, " +
      "`missing` or `failed`; an archive without it was broken off.",
    scope: "read",
    confined: "never",
    body: listBody,
    example: { json: [exampleDigest], flags: "-o blobs.tar" },
    responses: {
      200: { description: "The archive.", media: tarMedia },
      ...listProblems,
    },
  },
  async (exchange) => {
    const workspace = await exchange.workspace();
    await using list = await readDigestList(exchange);
    const leave = exchange.enterArchive();
    try {
      await sendArchive(exchange, workspace, eachOf(list));
    } finally {
      leave();
    }
  },
);

async function* eachOf(list: DigestList): AsyncGenerator<Digest, void, void> {
  for await (const batch of list.batches()) yield* batch;
}
