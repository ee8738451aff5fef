import { isStoreError, linkedAbort, StoreError, type TagEntry } from "@bitstore/core";
import { z } from "@hono/zod-openapi";
import { onCredentialsEnd } from "../../access/credentials-end.ts";
import { wholeQuery } from "../../openapi/schemas.ts";
import { problemOf, toStoreError } from "../../wire/problem.ts";
import { sendBytes } from "../../wire/send-bytes.ts";
import type { Exchange } from "../exchange.ts";
import { watchHeaders } from "../request-headers.ts";
import { problem } from "../responses.ts";
import { defineRoute, type Route } from "../route.ts";
import { tagsOf } from "./tag-writes.ts";

export const watchTag: Route = defineRoute(
  {
    operationId: "watchTag",
    method: "get",
    path: "/v1/tags/{tag}/watch",
    group: "tags",
    summary: "Follow a tag as server-sent events",
    description:
      "An event for each entry, in order and without a gap: `id` is the sequence, `data` the entry. " +
      "It begins after Last-Event-ID, else after `since` (0: with the first entry), else with the " +
      "newest. Comments come in between as signs of life. The stream ends with the " +
      "caller's credentials, when the rules of access change, and when the server ends.",
    scope: "read",
    confined: "tag",
    query: z.strictObject({
      since: wholeQuery(0, Number.MAX_SAFE_INTEGER, "The sequence to begin after").optional(),
    }),
    headers: watchHeaders,
    example: { query: "since=0", flags: "-N" },
    responses: {
      200: { description: "The events, without an end.", media: "text/event-stream" },
      400: problem("The name or the query is malformed."),
    },
  },
  async (exchange, query: { since?: number | undefined }) => {
    const { tags, tag } = await tagsOf(exchange);
    const last = exchange.incoming.headers["last-event-id"]?.toString() ?? "";
    const since = /^\d{1,15}$/.test(last) ? Number(last) : query.since;
    const { outgoing, closing, requestId } = exchange;
    const ending = linkedAbort(exchange.signal());
    const onClosing = (): void => ending.abort(closing.reason);
    closing.addEventListener("abort", onClosing, { once: true });
    if (closing.aborted) onClosing();
    const stopAsking = onCredentialsEnd(exchange, () => ending.abort(notKnown()));
    outgoing.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
      "x-request-id": requestId,
    });
    outgoing.flushHeaders();
    const stopBeating = heartbeat(exchange);
    try {
      const { signal } = ending;
      await sendBytes(exchange, events(exchange, tags.watch(tag, { since, signal }), signal));
    } finally {
      stopBeating();
      stopAsking();
      closing.removeEventListener("abort", onClosing);
      ending.release();
    }
    outgoing.end();
  },
);

async function* events(
  { requestId, principal }: Exchange,
  entries: AsyncIterable<TagEntry>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    for await (const entry of entries) {
      // What came after the end is for who may still read it.
      if (signal.aborted) return;
      yield Buffer.from(`id: ${entry.seq}\ndata: ${JSON.stringify(entry)}\n\n`);
    }
  } catch (error) {
    // The server ends, or it is not known any more who asks, or the client has gone; it comes back with
    // the last id that it saw.
    if (signal.aborted && isStoreError(error, "ABORTED")) return;
    const told = problemOf(toStoreError(error), requestId, principal);
    yield Buffer.from(`event: problem\ndata: ${JSON.stringify(told)}\n\n`);
  }
}

/** Sends signs of life until it is told to stop, or there is more to send than the client takes. */
function heartbeat({ outgoing, clock, limits }: Exchange): () => void {
  let cancel = (): void => undefined;
  const beat = (): void => {
    if (!outgoing.writableNeedDrain && !outgoing.destroyed) outgoing.write(": alive\n\n");
    cancel = clock.after(limits.heartbeatMs, beat);
  };
  cancel = clock.after(limits.heartbeatMs, beat);
  return () => cancel();
}

function notKnown(): StoreError {
  const message = "it is to be asked anew who calls";
  return new StoreError({ code: "ABORTED", operation: "watch", message });
}
