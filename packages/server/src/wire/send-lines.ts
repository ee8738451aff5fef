import type { Exchange } from "../routes/exchange.ts";
import { ndjsonMedia } from "./digest-list.ts";
import { breakOff, sendBytes } from "./send-bytes.ts";

/** Characters that are collected before they are sent. */
const chunkChars = 16 * 1024;

/**
 * Sends items as they come, as one JSON array or as a line each. What fails before there is a chunk to
 * send is thrown, and may be answered; what fails later resets the connection.
 */
export async function sendItems(
  exchange: Exchange,
  items: AsyncIterable<unknown>,
  isArray: boolean,
): Promise<void> {
  const { outgoing, requestId } = exchange;
  const chunks = isArray ? arrayChunks(items) : lineChunks(items);
  const first = await chunks.next();
  outgoing.writeHead(200, {
    "content-type": isArray ? "application/json" : ndjsonMedia,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
  });
  try {
    if (first.done !== true) {
      await sendBytes(
        exchange,
        (async function* () {
          yield Buffer.from(first.value);
          for await (const chunk of chunks) yield Buffer.from(chunk);
        })(),
      );
    }
  } catch (error) {
    breakOff(outgoing);
    throw error;
  }
  outgoing.end();
}

async function* lineChunks(items: AsyncIterable<unknown>): AsyncGenerator<string, void, void> {
  let text = "";
  for await (const item of items) {
    text += `${JSON.stringify(item)}\n`;
    if (text.length < chunkChars) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

async function* arrayChunks(items: AsyncIterable<unknown>): AsyncGenerator<string, void, void> {
  let text = "[";
  let separator = "";
  for await (const item of items) {
    text += `${separator}${JSON.stringify(item)}`;
    separator = ",";
    if (text.length < chunkChars) continue;
    yield text;
    text = "";
  }
  yield `${text}]`;
}
