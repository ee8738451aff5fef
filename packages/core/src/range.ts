import { StoreError } from "./errors.ts";

/** A half-open range of bytes; `end` undefined means to the end. HTTP's form is at the edges only. */
export interface ByteRange {
  readonly start: number;
  readonly end: number | undefined;
}

/** The range that is the whole object. */
export const wholeRange: ByteRange = { start: 0, end: undefined };

/** Tells whether a range asks for the whole object, whatever its size. */
export function isWhole(range: ByteRange | undefined): boolean {
  return range === undefined || (range.start === 0 && range.end === undefined);
}

/** Rejects with INVALID_ARGUMENT a range that no object can satisfy: negative, fractional, empty. */
export function checkRange(range: ByteRange | undefined, operation: string, subject: string): void {
  if (range === undefined) return;
  const { start, end } = range;
  const ok =
    Number.isSafeInteger(start) &&
    start >= 0 &&
    (end === undefined || (Number.isSafeInteger(end) && end > start));
  if (!ok) {
    throw new StoreError({
      code: "INVALID_ARGUMENT",
      operation,
      subject,
      message: `range ${start}-${end ?? ""} is not of the form start < end, both whole and not negative`,
    });
  }
}

/**
 * Resolves a range against an object's size: the end is clamped. The whole range of an empty object
 * is empty; any other range that starts at or past the end is RANGE_NOT_SATISFIABLE.
 */
export function resolveRange(
  range: ByteRange | undefined,
  size: number,
  operation: string,
  subject: string,
): { readonly start: number; readonly end: number } {
  if (range === undefined || isWhole(range)) return { start: 0, end: size };
  if (range.start >= size) {
    throw new StoreError({
      code: "RANGE_NOT_SATISFIABLE",
      operation,
      subject,
      message: `range starts at ${range.start}, the object has ${size} bytes`,
    });
  }
  return { start: range.start, end: Math.min(range.end ?? size, size) };
}
