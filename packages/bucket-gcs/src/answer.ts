import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { collect } from "@bitstore/core";

/** Bytes of the largest answer that is parsed: a page of 1,000 objects with long keys is 2 MiB. */
const jsonBytesMax = 16 * 1024 * 1024;

/** Bytes up to which an unwanted body is read away, which is cheaper than a new connection. */
const drainBytesMax = 64 * 1024;

/** Releases the connection of an answer whose body nobody wants. */
export function discard(answer: IncomingMessage): void {
  const length = contentLength(answer);
  if (length !== undefined && length <= drainBytesMax) answer.resume();
  else answer.destroy();
}

/** Returns the length that was promised, or undefined where none was. */
export function contentLength(answer: IncomingMessage): number | undefined {
  const text = answer.headers["content-length"];
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** Returns a header that is not one of a list. */
export function header(answer: IncomingMessage, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Reads an answer as text; beyond `bytesMax` it rejects, and the connection is closed. */
export async function textOf(
  answer: IncomingMessage,
  bytesMax: number = jsonBytesMax,
): Promise<string> {
  const bytes = await collect(chunksOf(answer), bytesMax);
  const plain =
    header(answer, "content-encoding") === "gzip"
      ? gunzipSync(bytes, { maxOutputLength: jsonBytesMax })
      : bytes;
  return Buffer.from(plain).toString("utf8");
}

/** Reads an answer's body as it comes. Leaving the loop early closes the connection. */
export async function* chunksOf(answer: IncomingMessage): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of answer) yield viewOf(chunk);
}

/** Turns a Buffer into a plain array of the same memory: a Buffer's `slice` copies nothing. */
export function viewOf(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
