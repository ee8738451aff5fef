import { collect, isStoreError, StoreError } from "@bitstore/core";
import type { z } from "@hono/zod-openapi";
import type { Exchange } from "../routes/exchange.ts";
import { issueWords } from "./issue-words.ts";
import { requestBody } from "./request-body.ts";

/** Answers with JSON. */
export function sendJson(
  { outgoing, requestId }: Exchange,
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(value);
  outgoing.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
    ...headers,
  });
  outgoing.end(body);
}

/** Answers without a body. */
export function sendNothing(
  { outgoing, requestId }: Exchange,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  outgoing.writeHead(status, { "x-request-id": requestId, ...headers });
  outgoing.end();
}

/** Reads a JSON body, bounded, and checks it. */
export async function readJson<T>(exchange: Exchange, schema: z.ZodType<T>): Promise<T> {
  const { incoming, limits } = exchange;
  const media = mediaOf(incoming.headers["content-type"]);
  if (media !== "application/json") throw refuse("say content-type: application/json");
  const bytes = await collect(requestBody(exchange)(), limits.jsonBytesMax).catch((error) => {
    if (!isStoreError(error, "TOO_LARGE")) throw error;
    const message = `it may have ${limits.jsonBytesMax} bytes at most`;
    throw new StoreError({ code: "TOO_LARGE", operation: "parse", subject: "body", message });
  });
  const parsed = schema.safeParse(parseJson(bytes));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refuse(
    `${issue?.path.join(".") || "the object"}: ${issue ? issueWords(issue) : "is wrong"}`,
  );
}

/** Names a media type without its parameters, in lower case; undefined where none is said. */
export function mediaOf(header: string | undefined): string | undefined {
  return header?.split(";", 1)[0]?.trim().toLowerCase();
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(text, (key, value: unknown) => {
      // Assigned to any object later on, it would be its prototype.
      if (key === "__proto__") throw refuse("__proto__ is no name for anything");
      return value;
    });
  } catch (error) {
    if (isStoreError(error)) throw error;
    throw refuse("it is not JSON in UTF-8");
  }
}

function refuse(message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "parse", subject: "body", message });
}
