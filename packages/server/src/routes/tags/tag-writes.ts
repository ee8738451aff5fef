import { createHash } from "node:crypto";
import {
  isDigest,
  isLive,
  isStoreError,
  parseDigest,
  parseTagName,
  StoreError,
  type TagEntry,
  type TagExpectation,
  type TagLog,
  type TagWriteOptions,
} from "@bitstore/core";
import { type EntityTags, matchesStrongly, parseEntityTags } from "../../wire/conditions.ts";
import { sendJson } from "../../wire/json.ts";
import type { Exchange } from "../exchange.ts";

/** What a request says of a write beside what is written. */
export interface SaidOfWrite {
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  readonly base?: number | undefined;
}

/** Characters of the longest Idempotency-Key. */
const idempotencyKeyCharsMax = 255;
/** Times that a write for any state of the tag is tried while others write. */
const roundsMax = 8;

/** Finds the tags of the caller's namespace, and the tag of the path. */
export async function tagsOf(exchange: Exchange): Promise<{ tags: TagLog; tag: string }> {
  const tag = parseTagName(exchange.params["tag"] ?? "");
  const { tags } = await exchange.workspace();
  return { tags: tagsOrNone(tags), tag };
}

/** @throws UNSUPPORTED where no metadata is configured. */
export function tagsOrNone(tags: TagLog | undefined): TagLog {
  if (tags !== undefined) return tags;
  const message = "this server keeps no tags; say metadata in its config";
  throw new StoreError({ code: "UNSUPPORTED", operation: "open", subject: "tags", message });
}

/**
 * Writes a tag on the conditions of the request, once for each Idempotency-Key. The write goes on if
 * the client leaves: it would else be left open whether it was written.
 */
export async function writeTag(
  exchange: Exchange,
  { tags, tag }: { readonly tags: TagLog; readonly tag: string },
  said: SaidOfWrite,
  write: (options: TagWriteOptions) => Promise<TagEntry>,
): Promise<TagEntry> {
  const { isPrivate, principal } = exchange;
  const nonce = nonceOf(exchange);
  const options = {
    // A name that anybody could have said is none where callers are known.
    actor: isPrivate ? principal.name : (said.actor ?? principal.name),
    reason: said.reason,
    nonce,
    base: nonce === undefined ? undefined : said.base,
  };
  for (let round = 1; ; round += 1) {
    const { expect, isFixed } = await expectationOf(exchange, tags, tag);
    try {
      return await write({ ...options, expect });
    } catch (error) {
      if (isFixed || round >= roundsMax || !isStoreError(error, "PRECONDITION_FAILED")) throw error;
    }
  }
}

/** Answers with an entry. */
export function sendEntry(exchange: Exchange, status: number, entry: TagEntry): void {
  sendJson(exchange, status, entry, entryHeaders(exchange, entry));
}

/** A tag moves, so each reader asks whether it did. */
export function entryHeaders(
  { isPrivate }: Exchange,
  { seq }: TagEntry,
): Readonly<Record<string, string>> {
  return { etag: `"${seq}"`, "cache-control": `${isPrivate ? "private" : "public"}, no-cache` };
}

interface Expected {
  readonly expect: TagExpectation | undefined;
  /** Whether the request names the very state, so that another one refuses it. */
  readonly isFixed: boolean;
}

/** Says as a tag log does what If-Match and If-None-Match ask for. */
async function expectationOf(exchange: Exchange, tags: TagLog, tag: string): Promise<Expected> {
  const { headers } = exchange.incoming;
  const match = parseEntityTags(headers["if-match"], "If-Match");
  const noneMatch = parseEntityTags(headers["if-none-match"], "If-None-Match");
  // It can't be there and not be there.
  if (match !== undefined && noneMatch !== undefined) {
    throw unmatched(tag, await tags.head(tag, { signal: exchange.signal() }));
  }
  if (noneMatch !== undefined) {
    if (noneMatch !== "*") throw refuse("If-None-Match takes * here: the tag is absent or deleted");
    return { expect: "absent", isFixed: true };
  }
  if (match === undefined) return { expect: undefined, isFixed: true };
  const [only, second] = match === "*" ? [] : match;
  if (only !== undefined && second === undefined && !only.isWeak) {
    if (/^\d{1,16}$/.test(only.tag)) return { expect: Number(only.tag), isFixed: true };
    if (isDigest(only.tag)) return { expect: parseDigest(only.tag), isFixed: true };
  }
  const head = await tags.head(tag, { signal: exchange.signal() });
  if (!isLive(head) || !holds(match, head)) throw unmatched(tag, head);
  return { expect: head.seq, isFixed: match !== "*" };
}

function holds(match: EntityTags, head: TagEntry): boolean {
  return (
    matchesStrongly(match, String(head.seq)) || matchesStrongly(match, head.target?.digest ?? "")
  );
}

function unmatched(tag: string, current: TagEntry | undefined): StoreError {
  const error = new StoreError({
    code: "PRECONDITION_FAILED",
    operation: "write",
    subject: tag,
    message:
      current === undefined
        ? "If-Match wants it to be there, and it was never set"
        : `it is at ${current.seq}, which the conditions don't allow`,
  });
  return Object.assign(error, { current });
}

/** One nonce for each logical write: the key itself where it is one, else a hash of it. */
function nonceOf({ incoming, principal }: Exchange): string | undefined {
  const key = incoming.headers["idempotency-key"]?.toString();
  if (key === undefined) return undefined;
  const bare = /^"(.*)"$/.exec(key)?.[1] ?? key;
  if (bare === "" || bare.length > idempotencyKeyCharsMax) {
    throw refuse(`Idempotency-Key has 1 to ${idempotencyKeyCharsMax} characters`);
  }
  if (/^[0-9a-f]{32}$/.test(bare)) return bare;
  // Two callers that count from one each must not take each other's writes for their own.
  const own = JSON.stringify([principal.namespace, principal.name, bare]);
  return createHash("sha256").update(own).digest("hex").slice(0, 32);
}

function refuse(message: string): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "parse",
    subject: "headers",
    message,
  });
}
