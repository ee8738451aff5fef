import type { ByteRange } from "@bitstore/core";

/** A range as a client asks for it: from a position, or so many bytes at the end. */
export type AskedRange = ByteRange | { readonly last: number };

/** Digits of the largest position; what is longer is no safe integer. */
const position = /^\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/;

/**
 * Parses a Range header. Undefined means that the whole blob is to be served: for another unit, for
 * what is malformed, and for several ranges, which a server need not heed (RFC 9110, section 14.2).
 */
export function parseRangeHeader(header: string | undefined): AskedRange | undefined {
  if (header === undefined) return undefined;
  const match = /^bytes=([^,]*)$/i.exec(header.trim());
  const ends = match === null ? null : position.exec(match[1] ?? "");
  if (ends === null) return undefined;
  const [first = "", last = ""] = ends.slice(1);
  if (first === "") return last === "" ? undefined : { last: Number(last) };
  const start = Number(first);
  if (last === "") return { start, end: undefined };
  const end = Number(last) + 1;
  return end > start ? { start, end } : undefined;
}
