import { StoreError } from "@bitstore/core";
import { ok, type Parsed, wrong } from "./result.ts";
import { showText } from "./show-text.ts";

/** Bytes of each unit: with an `i` a power of 1024, without one a power of 1000. */
const units: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ...["k", "m", "g", "t", "p"].flatMap((letter, at): [string, number][] => [
    [`${letter}b`, 1000 ** (at + 1)],
    [`${letter}ib`, 1024 ** (at + 1)],
  ]),
]);

/**
 * Parses a number of bytes: `50GiB`, `1.5 MiB`, `200MB`, `4096`. Units with an `i` are powers of
 * 1024, those without are powers of 1000, in any case of letters.
 *
 * @throws INVALID_ARGUMENT on anything else, and above 2^53 - 1.
 */
export function parseByteSize(text: string): number {
  const parsed = readByteSize(text);
  if ("value" in parsed) return parsed.value;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "parse",
    subject: `size ${showText(text)}`,
    message: parsed.problem,
  });
}

/** Does what {@link parseByteSize} does, and answers with the problem instead of throwing it. */
export function readByteSize(text: string): Parsed<number> {
  const match = /^(\d{1,16}(?:\.\d{1,9})?) ?([A-Za-z]{0,3})$/.exec(text);
  const unit = units.get((match?.[2] ?? "").toLowerCase());
  if (match === null || unit === undefined) {
    return wrong("is no size in bytes; write a number and a unit, such as 256MiB or 50GiB");
  }
  const size = Number(match[1]) * unit;
  if (!Number.isSafeInteger(size)) {
    // A fraction of a unit may fall between two bytes; a fraction of a byte was never meant.
    if (size > Number.MAX_SAFE_INTEGER) return wrong("is larger than any store");
    if (unit === 1) return wrong("is no whole number of bytes");
    return ok(Math.floor(size));
  }
  return ok(size);
}
