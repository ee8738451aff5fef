import type { ByteRange } from "@bitstore/core";
import { badUsage } from "../frame/hinted.ts";

/** What `--range` says: a range from an offset, or the last bytes of a blob of any size. */
export type RangeArgument = ByteRange | { readonly lastBytes: number };

/**
 * Parses a range in the inclusive form of HTTP (RFC 9110, section 14.1.2): `0-99` is the first hundred
 * bytes, `100-` all from byte 100 on, `-100` the last hundred.
 *
 * @throws INVALID_ARGUMENT on anything else.
 */
export function parseRange(text: string): RangeArgument {
  const match = /^(\d{0,16})-(\d{0,16})$/.exec(text);
  const [first = "", last = ""] = match?.slice(1) ?? [];
  if (match === null || (first === "" && last === "")) throw badRange(text, "it has another form");
  if (first === "") {
    const lastBytes = offset(last, text);
    if (lastBytes === 0) throw badRange(text, "the last 0 bytes are none");
    return { lastBytes };
  }
  const start = offset(first, text);
  if (last === "") return { start, end: undefined };
  const end = offset(last, text) + 1;
  if (end <= start) throw badRange(text, "it ends before it starts");
  return { start, end };
}

function offset(digits: string, text: string): number {
  const value = Number(digits);
  if (value >= Number.MAX_SAFE_INTEGER) throw badRange(text, "it is larger than any blob");
  return value;
}

function badRange(text: string, why: string): Error {
  const shown = JSON.stringify(text.slice(0, 80));
  return badUsage(
    `the range ${shown} can't be read: ${why}`,
    "0-99 is the first hundred bytes, 100- all from byte 100 on, -100 the last hundred",
  );
}
