import type { ByteRange } from "@bitstore/core";

/** What an answer to a read holds, by its status and headers. */
export interface AnsweredRange {
  /** Bytes of the whole object, where the answer says. */
  readonly size: number | undefined;
  /** The range that is handed out. */
  readonly range: ByteRange;
  /** Bytes to leave out at the start, and bytes to hand out. */
  readonly skip: number;
  readonly length: number | undefined;
  readonly isCut: boolean;
}

/** What the service said. */
export interface RangeAnswer {
  readonly status: number;
  readonly contentRange: string | undefined;
  readonly contentLength: number | undefined;
}

/**
 * Matches an answer with the range that was asked. Returns `past-end` where the range starts at or
 * past the end, and a text where the answer is not what was asked: it must not be handed out then.
 * Some clones and proxies answer the whole object with 200 where a range was asked; it is cut.
 */
export function answeredRange(
  asked: ByteRange | undefined,
  answer: RangeAnswer,
): AnsweredRange | "past-end" | { readonly problem: string } {
  const { status, contentLength } = answer;
  if (status === 206) return partOf(asked ?? { start: 0, end: undefined }, answer);
  if (status !== 200) return { problem: `status ${status} is no answer to a read` };
  if (asked === undefined) {
    const range = { start: 0, end: contentLength };
    return { size: contentLength, range, skip: 0, length: contentLength, isCut: false };
  }
  if (contentLength === undefined) {
    return { problem: "a range was asked, the whole came, and it does not say how long it is" };
  }
  if (asked.start >= contentLength) return "past-end";
  const end = Math.min(asked.end ?? contentLength, contentLength);
  return {
    size: contentLength,
    range: { start: asked.start, end },
    skip: asked.start,
    length: end - asked.start,
    isCut: end < contentLength,
  };
}

/** RFC 9110, section 14.4: `bytes first-last/size`, the size being `*` where it is unknown. */
function partOf(
  asked: ByteRange,
  { contentRange, contentLength }: RangeAnswer,
): AnsweredRange | { readonly problem: string } {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(contentRange ?? "");
  const [start, last, size] = (match ?? []).slice(1).map(Number);
  if (start === undefined || last === undefined || size === undefined) {
    return { problem: `status 206 with the Content-Range ${JSON.stringify(contentRange ?? "")}` };
  }
  const end = last + 1;
  const known = Number.isNaN(size) ? undefined : size;
  // Where the size is unknown, an end before what was asked can only be the end of the object.
  const right =
    start === asked.start &&
    end > start &&
    end <= (asked.end ?? Number.POSITIVE_INFINITY) &&
    (known === undefined || end === Math.min(asked.end ?? known, known)) &&
    (contentLength === undefined || contentLength === end - start);
  if (!right) {
    const wanted = `${asked.start}-${asked.end === undefined ? "" : asked.end - 1}`;
    return { problem: `bytes ${wanted} were asked, ${contentRange} came` };
  }
  return { size: known, range: { start, end }, skip: 0, length: end - start, isCut: false };
}

/** Writes a range as HTTP does: the last byte is included. */
export function rangeHeader(range: ByteRange): string {
  return `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;
}
