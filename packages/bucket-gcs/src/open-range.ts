import type { IncomingMessage } from "node:http";
import { type ByteRange, isWhole, resolveRange, StoreError } from "@bitstore/core";
import { contentLength, header } from "./answer.ts";

/** What of an answer's body is the range that was asked for. */
export interface OpenRange {
  /** Bytes of the whole object, where that is known. */
  readonly size: number | undefined;
  /** What was asked for, clamped. */
  readonly range: ByteRange;
  /** Whether the body is the whole object, of which the range has to be cut. */
  readonly cut: boolean;
}

/** Holds an answer against the range that was asked for; never takes another part for it. */
export function openRange(
  answer: IncomingMessage,
  range: ByteRange | undefined,
  name: string,
  key: string,
): OpenRange {
  const refuse = (message: string): StoreError =>
    new StoreError({ code: "UNAVAILABLE", operation: "read", source: name, subject: key, message });
  if (isDecompressed(answer)) {
    throw refuse("the object was decompressed on the way: check what stands between");
  }
  if (answer.statusCode === 206) {
    const part = partOf(answer, range);
    if (part === undefined) throw refuse("the answer has another range than the one asked for");
    return part;
  }
  const length = contentLength(answer);
  if (length !== undefined) {
    const resolved = resolveRange(range, length, "read", key);
    const cut = resolved.start > 0 || resolved.end < length;
    return { size: length, range: resolved, cut };
  }
  if (isWhole(range)) return { size: undefined, range: { start: 0, end: undefined }, cut: false };
  throw refuse("the answer to a range is a whole object of unknown length");
}

/** Reads a partial answer; undefined where it is not the range that was asked for. */
function partOf(answer: IncomingMessage, range: ByteRange | undefined): OpenRange | undefined {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(header(answer, "content-range") ?? "");
  const [start, last, size] = (match ?? []).slice(1).map(Number);
  if (range === undefined || start === undefined || last === undefined || size === undefined) {
    return undefined;
  }
  const end = Math.min(range.end ?? size, size);
  const length = contentLength(answer) ?? end - start;
  if (start !== range.start || last + 1 !== end || length !== end - start) return undefined;
  return { size, range: { start, end }, cut: false };
}

/** Tells an object that is stored compressed and came otherwise, whatever was asked for. */
function isDecompressed(answer: IncomingMessage): boolean {
  return (
    header(answer, "x-goog-stored-content-encoding") === "gzip" &&
    header(answer, "content-encoding") !== "gzip"
  );
}
