/** Where the bytes of an answer are in their object; half-open. */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  /** Bytes of the whole object. */
  readonly size: number;
}

/** Parses a `Content-Range` header of known size; undefined where it is none. */
export function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(-?\d{1,15})\/(\d{1,15})$/.exec(header ?? "");
  if (match === null) return undefined;
  return { start: Number(match[1]), end: Number(match[2]) + 1, size: Number(match[3]) };
}
