import {
  type Bytes,
  type Digest,
  isStoreError,
  parseDigest,
  StoreError,
  untilAborted,
} from "@bitstore/core";
import type { Exchange } from "../routes/exchange.ts";
import { mediaOf } from "./json.ts";
import { packDigests, unpackDigests } from "./packed-digests.ts";
import { requestBody } from "./request-body.ts";
import { scratchFile } from "./scratch-file.ts";

export const ndjsonMedia = "application/x-ndjson";

/** A list of digests that a client sent, whole and checked. It can be read any number of times. */
export interface DigestList extends AsyncDisposable {
  /** Whether it came as one JSON array, and not as lines. */
  readonly isArray: boolean;
  /**
   * In the order in which they came, with those that came twice; some at a time, since a promise for
   * each would take longer than all the rest.
   */
  batches(): AsyncGenerator<readonly Digest[], void, void>;
}

/** Bytes of one item; the longest digest has 135. */
const itemBytesMax = 1024;
/** Bytes of a list for each of its digests: the longest one, its quotes, and some white space. */
const wireBytesEach = 160;
/** Digests that are looked at together. */
const batchMax = 256;

/**
 * Takes in a list: `["sha256:…", …]` as application/json, or one JSON string a line as
 * application/x-ndjson. It is read to its end and checked before anything is answered, and kept packed,
 * in a file where it is long: so a client that sends first and reads then never waits for one that waits
 * for it, and what is malformed is refused rather than found in the middle of an answer. What is kept is
 * counted (`listBytesMax`) until the list is disposed: RATE_LIMITED where there is too much of it.
 */
export async function readDigestList(exchange: Exchange): Promise<DigestList> {
  const { incoming, limits, lists, client } = exchange;
  const media = mediaOf(incoming.headers["content-type"]);
  if (media !== "application/json" && media !== ndjsonMedia) {
    throw refuse(`say content-type: ${ndjsonMedia} or application/json`);
  }
  const isArray = media === "application/json";
  const held = lists.hold(client, limits.listBytesMax);
  const kept = scratchFile();
  const dispose = async (): Promise<void> => {
    try {
      await kept[Symbol.asyncDispose]();
    } finally {
      held.release();
    }
  };
  try {
    for await (const batch of receivedBatches(exchange, isArray ? arrayItems : lineItems)) {
      const packed = packDigests(batch);
      held.take(packed.byteLength);
      await kept.append(packed);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const batches = (): AsyncGenerator<readonly Digest[], void, void> =>
    unpackDigests(kept.read(), batchMax);
  return { isArray, batches, [Symbol.asyncDispose]: dispose };
}

/** Yields digests as they come, and throws at the first that is none, or is one too many. */
async function* receivedBatches(
  exchange: Exchange,
  parse: (bytes: Bytes) => AsyncIterable<readonly string[]>,
): AsyncGenerator<readonly Digest[], void, void> {
  const { listedDigestsMax } = exchange.limits;
  let count = 0;
  for await (const items of parse(receivedBytes(exchange))) {
    for (let at = 0; at < items.length; at += batchMax) {
      const batch = items.slice(at, at + batchMax).map((item, n) => digestOf(item, count + n + 1));
      count += batch.length;
      if (count > listedDigestsMax) throw tooMany(listedDigestsMax);
      yield batch;
    }
  }
}

/** White space may stand between digests, but not without end. */
async function* receivedBytes(exchange: Exchange): AsyncGenerator<Uint8Array, void, void> {
  const { listedDigestsMax } = exchange.limits;
  let left = listedDigestsMax * wireBytesEach;
  const body = requestBody(exchange)();
  for await (const chunk of untilAborted(body, exchange.signal(), "receive", "list")) {
    left -= chunk.byteLength;
    if (left < 0) throw tooMany(listedDigestsMax);
    yield chunk;
  }
}

async function* lineItems(bytes: Bytes): AsyncGenerator<readonly string[], void, void> {
  let rest = "";
  const decoder = new TextDecoder();
  const isSaid = (line: string): boolean => line.trim() !== "";
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > itemBytesMax) throw refuse("a line is longer than any digest");
    yield lines.filter(isSaid);
  }
  if (isSaid(rest)) yield [rest];
}

/** Yields the strings of a JSON array as they stand, quotes and all, without holding all of it. */
async function* arrayItems(bytes: Bytes): AsyncGenerator<readonly string[], void, void> {
  const decoder = new TextDecoder();
  const token = /\s*("[^"\\]*"|[[\],])/y;
  let text = "";
  let wants: "[" | "first" | "item" | "comma" | "end" = "[";
  for await (const chunk of bytes) {
    text += decoder.decode(chunk, { stream: true });
    let at = 0;
    const items: string[] = [];
    for (;;) {
      token.lastIndex = at;
      const found = token.exec(text)?.[1];
      if (found === undefined) break;
      at = token.lastIndex;
      if (wants === "[" && found === "[") wants = "first";
      else if (wants === "comma" && found === ",") wants = "item";
      else if ((wants === "first" || wants === "comma") && found === "]") wants = "end";
      else if ((wants === "first" || wants === "item") && found.startsWith('"')) {
        wants = "comma";
        items.push(found);
      } else throw refuse("it is not one JSON array of strings");
    }
    yield items;
    // White space would else be looked at again with each chunk that follows.
    text = text.slice(at).trimStart();
    // What is no token by now is the beginning of one, and none is as long as that.
    if (text.length > itemBytesMax) throw refuse("an item is longer than any digest");
  }
  if (wants !== "end" || text.trim() !== "") throw refuse("it is not one JSON array of strings");
}

function digestOf(item: string, count: number): Digest {
  try {
    const value: unknown = JSON.parse(item);
    if (typeof value !== "string") throw refuse("it is no JSON string");
    return parseDigest(value);
  } catch (error) {
    const why = isStoreError(error) ? error.message : "it is not JSON";
    throw refuse(`item ${count}: ${why}`);
  }
}

function tooMany(most: number): StoreError {
  const message = `a list may have ${most} digests at most; send the rest in another one`;
  return new StoreError({ code: "TOO_LARGE", operation: "parse", subject: "list", message });
}

function refuse(message: string): StoreError {
  return new StoreError({ code: "INVALID_ARGUMENT", operation: "parse", subject: "list", message });
}
