import {
  type Bytes,
  type Digest,
  hashToFile,
  isStoreError,
  openBody,
  parseDigest,
  StoreError,
} from "@bitstore/core";
import type { Exchange } from "../routes/exchange.ts";
import { mediaOf } from "./json.ts";
import { requestBody } from "./request-body.ts";

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
/** Digests that are looked at together. */
const batchMax = 256;
/** Bytes of a list that are kept in memory. */
const memoryBytesMax = 2 ** 20;

/**
 * Takes in a list: `["sha256:…", …]` as application/json, or one JSON string a line as
 * application/x-ndjson. It is read to its end and checked before anything is answered, in a file where
 * it is long: so a client that sends first and reads then never waits for one that waits for it, and
 * what is malformed is refused rather than found in the middle of an answer.
 */
export async function readDigestList(exchange: Exchange): Promise<DigestList> {
  const { incoming, limits } = exchange;
  const signal = exchange.signal();
  const media = mediaOf(incoming.headers["content-type"]);
  if (media !== "application/json" && media !== ndjsonMedia) {
    throw refuse(`say content-type: ${ndjsonMedia} or application/json`);
  }
  const isArray = media === "application/json";
  const spoolBytesMax = limits.listedDigestsMax * 160;
  const kept = await hashToFile(
    requestBody(exchange),
    "sha1",
    { memoryBytesMax, spoolBytesMax },
    signal,
  );
  const parse = isArray ? arrayItems : lineItems;
  async function* batches(): AsyncGenerator<readonly Digest[], void, void> {
    let count = 0;
    for await (const items of parse(openBody(kept.body))) {
      const before = count;
      count += items.length;
      for (let at = 0; at < items.length; at += batchMax) {
        const some = items.slice(at, at + batchMax);
        yield some.map((item, n) => digestOf(item, before + at + n + 1));
      }
    }
  }
  try {
    let count = 0;
    for await (const batch of batches()) {
      count += batch.length;
      if (count > limits.listedDigestsMax) throw tooMany(limits.listedDigestsMax);
    }
  } catch (error) {
    await kept[Symbol.asyncDispose]();
    throw error;
  }
  return { isArray, batches, [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose]() };
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
    text = text.slice(at);
    // What is no token by now is the beginning of one, and none is as long as that.
    if (text.trimStart().length > itemBytesMax) throw refuse("an item is longer than any digest");
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
