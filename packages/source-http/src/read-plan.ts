import { type ByteRange, isWhole, resolveRange, StoreError } from "@bitstore/core";
import { isKnownCoding } from "./decode-content.ts";
import type { Exchange } from "./exchange.ts";
import type { Asked } from "./transport-error.ts";

/** How the body of an answer becomes the bytes that were asked for. */
export interface ReadPlan {
  /** Bytes of the whole blob, where the API says. */
  readonly size: number | undefined;
  readonly range: ByteRange;
  /** Strong entity tag; a weak one names no bytes. */
  readonly version: string | undefined;
  /** Content coding that must be undone first. */
  readonly coding: string | undefined;
  /** Bytes to leave out at the start, of an API that ignores ranges. */
  readonly skip: number;
  /** Bytes to hand out; undefined for all there are. */
  readonly length: number | undefined;
  /** Whether the body must end after those, rather than be cut there. */
  readonly isExact: boolean;
}

export interface ReadLimits {
  readonly blobBytesMax: number;
  /** Bytes to read and throw away at most, of an API that ignores ranges. */
  readonly skipBytesMax: number;
  readonly contentEncoding: "decode" | "raw";
}

/**
 * Decides how to read an answer of status 200, 203 or 206. Rejects with UNSUPPORTED what can't be
 * made the bytes that were asked for (a range of an encoded body, an unknown coding), TOO_LARGE,
 * RANGE_NOT_SATISFIABLE, PRECONDITION_FAILED for another version, INTERNAL for a 206 that is not
 * the range that was asked for (RFC 9110, section 14.4).
 */
export function planRead(
  answer: Exchange,
  asked: Asked & { readonly range?: ByteRange | undefined; readonly version?: string | undefined },
  limits: ReadLimits,
): ReadPlan {
  const refuse = refuser(asked);
  const { range } = asked;
  const version = strongTag(answer.header("etag"));
  if (asked.version !== undefined && asked.version !== version) {
    throw refuse("PRECONDITION_FAILED", "the blob is not at the version that was asked for");
  }
  const coding = codingOf(answer, limits);
  if (coding !== undefined && !isKnownCoding(coding)) {
    const shown = JSON.stringify(coding.slice(0, 40));
    throw refuse("UNSUPPORTED", `the API encodes its bytes as ${shown}, which is not known`);
  }
  const declared = lengthOf(answer);
  if (answer.status === 206) {
    if (range === undefined || isWhole(range)) {
      throw refuse("INTERNAL", "the API answered 206 to a request without a range");
    }
    if (coding !== undefined) throw refuse("UNSUPPORTED", "the API encodes ranges of its bytes");
    const part = checkPart(answer, range, declared, refuse);
    checkSize(part.size ?? part.end, limits, refuse);
    return {
      size: part.size,
      range: { start: range.start, end: part.end },
      version,
      coding,
      skip: 0,
      length: part.end - range.start,
      isExact: true,
    };
  }
  const size = coding === undefined ? declared : undefined;
  checkSize(size ?? 0, limits, refuse);
  if (range === undefined || isWhole(range)) {
    const whole = { start: 0, end: size };
    return { size, range: whole, version, coding, skip: 0, length: size, isExact: true };
  }
  if (size === undefined) {
    throw refuse("UNSUPPORTED", "the API ignores ranges; set rangeRead to false");
  }
  const { start, end } = resolveRange(range, size, asked.operation, asked.subject);
  if (start > limits.skipBytesMax) {
    const message = `the API ignores ranges, and ${start} bytes (skipBytesMax) are too many to skip`;
    throw refuse("UNSUPPORTED", `${message}; set rangeRead to false`);
  }
  const isExact = end === size;
  return {
    size,
    range: { start, end },
    version,
    coding,
    skip: start,
    length: end - start,
    isExact,
  };
}

type Refuse = (code: StoreError["code"], message: string) => StoreError;

function refuser({ operation, subject, source }: Asked): Refuse {
  return (code, message) => new StoreError({ code, operation, subject, source, message });
}

/** The entity tag, unless it is weak: `W/"…"` promises the same meaning, not the same bytes. */
function strongTag(etag: string | undefined): string | undefined {
  return etag !== undefined && /^"[^"]*"$/.test(etag) ? etag : undefined;
}

/** Bytes that the answer declares; undefined where it is chunked or ends with the connection. */
export function lengthOf(answer: Exchange): number | undefined {
  const length = answer.header("content-length");
  if (length === undefined || !/^\d{1,16}$/.test(length)) return undefined;
  return answer.header("transfer-encoding") === undefined ? Number(length) : undefined;
}

/** The content coding of an answer that was asked to have none; undefined where it has none. */
export function codingOf(
  answer: Exchange,
  { contentEncoding }: Pick<ReadLimits, "contentEncoding">,
): string | undefined {
  const coding = answer.header("content-encoding")?.trim().toLowerCase();
  const isPlain = coding === undefined || coding === "" || coding === "identity";
  return isPlain || contentEncoding === "raw" ? undefined : coding;
}

function checkSize(size: number, { blobBytesMax }: ReadLimits, refuse: Refuse): void {
  if (size <= blobBytesMax) return;
  throw refuse("TOO_LARGE", `the blob has ${size} bytes; blobBytesMax is ${blobBytesMax}`);
}

interface Part {
  readonly end: number;
  readonly size: number | undefined;
}

function checkPart(
  answer: Exchange,
  range: ByteRange,
  declared: number | undefined,
  refuse: Refuse,
): Part {
  const shown = answer.header("content-range") ?? "";
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(shown.trim());
  const start = Number(match?.[1]);
  const end = Number(match?.[2]) + 1;
  const size = match?.[3] === "*" ? undefined : Number(match?.[3]);
  // A shorter part is fine only where the blob ends there, and that must be said.
  const wanted = Math.min(range.end ?? Number.POSITIVE_INFINITY, size ?? Number.POSITIVE_INFINITY);
  const isRight =
    match !== null &&
    start === range.start &&
    end > start &&
    (wanted === Number.POSITIVE_INFINITY || end === wanted) &&
    (declared === undefined || declared === end - start);
  if (isRight) return { end, size };
  const got =
    shown === "" ? "no Content-Range" : `Content-Range ${JSON.stringify(shown.slice(0, 60))}`;
  const asked = `bytes ${range.start}-${range.end === undefined ? "" : range.end - 1}`;
  throw refuse("INTERNAL", `the API answered ${got} where ${asked} was asked`);
}
