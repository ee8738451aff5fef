import {
  type Content,
  type Digest,
  isStoreError,
  isWhole,
  readHeld,
  StoreError,
  type Descriptor,
} from "@bitstore/core";
import { blobHeaders, type BlobFacts, listedHeaders } from "../../wire/blob-headers.ts";
import {
  holdsIfRange,
  matchesStrongly,
  matchesWeakly,
  parseEntityTags,
} from "../../wire/conditions.ts";
import { parseRangeHeader } from "../../wire/range-header.ts";
import { breakOff, sendBytes } from "../../wire/send-bytes.ts";
import type { Exchange } from "../exchange.ts";
import type { OpenedWorkspace } from "../workspaces.ts";

/** Which blob is sent, and what is said of it. */
export interface SentBlob extends Omit<BlobFacts, "tier"> {
  /** Headers beside those of every blob. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether a HEAD asks the origin alone. */
  readonly durable?: boolean | undefined;
}

/** Up to this size a blob is sent at once rather than chunk by chunk; its bytes are in memory anyway. */
const atOnceBytesMax = 2 ** 20;

/**
 * Answers a GET or HEAD of a blob: conditions first, which need no bytes, then the range or the whole
 * from the first tier that has it. Throws before the first byte; what fails after it resets the
 * connection, since the end of an answer says that it is whole.
 */
export async function sendBlob(
  exchange: Exchange,
  workspace: OpenedWorkspace,
  blob: SentBlob,
): Promise<void> {
  const { headers } = exchange.incoming;
  const ifMatch = parseEntityTags(headers["if-match"], "If-Match");
  const ifNoneMatch = parseEntityTags(headers["if-none-match"], "If-None-Match");
  const isKnown = ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, blob.digest);
  const isHead = exchange.incoming.method === "HEAD";
  const isRefused = ifMatch !== undefined && !matchesStrongly(ifMatch, blob.digest);
  if (!isHead && !isKnown && !isRefused) {
    if (headers.range === undefined) {
      await exchange.endOfTurn();
      if (sendHeld(exchange, workspace, blob)) return;
    }
    await sendBody(exchange, workspace, blob);
    return;
  }
  const found = await statBlob(exchange, workspace, blob.digest, blob.durable);
  if (isRefused) throw refused(blob.digest);
  const all = { ...blobHeaders(exchange, { ...blob, tier: found.tier }), ...blob.headers };
  if (!isKnown) all["content-length"] = found.size;
  exchange.outgoing.writeHead(isKnown ? 304 : 200, all);
  exchange.outgoing.end();
}

async function sendBody(
  exchange: Exchange,
  workspace: OpenedWorkspace,
  blob: SentBlob,
): Promise<void> {
  const { incoming } = exchange;
  const asked = parseRangeHeader(incoming.headers.range);
  const isRange = asked !== undefined && holdsIfRange(incoming.headers["if-range"], blob.digest);
  if (!isRange) {
    await send(exchange, blob, await openBlob(exchange, workspace, blob.digest), false);
    return;
  }
  let range = asked;
  if ("last" in range) {
    const { size } = await statBlob(exchange, workspace, blob.digest);
    // A suffix longer than the blob is all of it; of no bytes it is nothing that could be sent.
    if (range.last === 0) throw outside(blob.digest, size);
    range = { start: Math.max(0, size - range.last), end: undefined };
  }
  try {
    const options = isWhole(range) ? {} : { range };
    const content = await openBlob(exchange, workspace, blob.digest, options);
    if (content.size !== undefined) {
      await send(exchange, blob, content, true);
      return;
    }
    // A range of who knows how much can't be said in a Content-Range that a client could use.
    await content[Symbol.asyncDispose]();
    await send(exchange, blob, await openBlob(exchange, workspace, blob.digest), false);
  } catch (error) {
    if (!isStoreError(error, "RANGE_NOT_SATISFIABLE") || exchange.outgoing.headersSent) throw error;
    throw outside(blob.digest, (await statBlob(exchange, workspace, blob.digest)).size);
  }
}

/** Sends a whole blob that is in memory, header and bytes in one piece; false where it is not. */
function sendHeld(
  exchange: Exchange,
  { store, counters }: OpenedWorkspace,
  blob: SentBlob,
): boolean {
  const { outgoing } = exchange;
  // What is said besides may be said in the place of something else: that is the long way's.
  if (outgoing.destroyed || blob.headers !== undefined) return false;
  const held = readHeld(store, blob.digest, {
    bytesMax: atOnceBytesMax,
    onAttempt: counters.note,
  });
  if (held === undefined) return false;
  const { bytes, tier } = held;
  const headers = listedHeaders(exchange, blob, tier);
  headers.push("content-length", String(bytes.byteLength));
  outgoing.writeHead(200, headers);
  outgoing.end(bytes);
  return true;
}

async function send(
  exchange: Exchange,
  blob: SentBlob,
  content: Content,
  isRange: boolean,
): Promise<void> {
  await using open = content;
  const { outgoing } = exchange;
  const { size, range, source: tier } = open;
  const headers = { ...blobHeaders(exchange, { ...blob, tier }), ...blob.headers };
  const length = size === undefined ? undefined : (range.end ?? size) - range.start;
  const isPart = isRange && length !== undefined && length > 0;
  if (length !== undefined) headers["content-length"] = length;
  if (isPart) headers["content-range"] = `bytes ${range.start}-${range.start + length - 1}/${size}`;
  if (!open.verified) headers["x-bitstore-verified"] = "false";
  const status = isPart ? 206 : 200;
  if (length !== undefined && length <= atOnceBytesMax) {
    const bytes = await open.bytes();
    outgoing.writeHead(status, headers);
    outgoing.end(bytes);
    return;
  }
  outgoing.writeHead(status, headers);
  try {
    await sendBytes(exchange, open.body);
  } catch (error) {
    breakOff(outgoing);
    throw error;
  }
  outgoing.end();
}

async function openBlob(
  exchange: Exchange,
  { store, counters }: OpenedWorkspace,
  digest: Digest,
  options: { readonly range?: { readonly start: number; readonly end: number | undefined } } = {},
): Promise<Content> {
  const content = await store.open(digest, {
    ...options,
    borrows: true,
    signal: exchange.signal(),
    onAttempt: counters.note,
  });
  if (content === undefined) throw absent(digest);
  return content;
}

/** Finds a blob without its bytes, and the tier that has it. */
async function statBlob(
  exchange: Exchange,
  { store, counters }: OpenedWorkspace,
  digest: Digest,
  durable = false,
): Promise<Descriptor & { readonly tier: string | undefined }> {
  let tier: string | undefined;
  const found = await store.stat(digest, {
    signal: exchange.signal(),
    durable,
    onAttempt: (attempt) => {
      if (attempt.outcome === "hit") ({ tier } = attempt);
      counters.note(attempt);
    },
  });
  if (found === undefined) throw absent(digest);
  return { ...found, tier };
}

/** Makes the error of a blob that no tier has. */
export function absent(digest: Digest): StoreError {
  const message = "no tier has it";
  return new StoreError({ code: "NOT_FOUND", operation: "open", subject: digest, message });
}

function refused(digest: Digest): StoreError {
  const message = `If-Match names something else than "${digest}"`;
  return new StoreError({
    code: "PRECONDITION_FAILED",
    operation: "open",
    subject: digest,
    message,
  });
}

function outside(digest: Digest, size: number): StoreError {
  const error = new StoreError({
    code: "RANGE_NOT_SATISFIABLE",
    operation: "open",
    subject: digest,
    message: `the range lies outside of its ${size} bytes`,
  });
  return Object.assign(error, { size });
}
