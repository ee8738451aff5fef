import { StoreError } from "@bitstore/core";

/** Bytes of the longest request target: the longest tag, encoded, has a tenth of it. */
export const targetBytesMax: number = 8 * 1024;
const segmentsMax = 16;

/** A request target that is safe to route by. */
export interface RequestTarget {
  /** Segments of the path, each decoded once; a slash in one was written as %2F. */
  readonly segments: readonly string[];
  /** Without the question mark, as it came. */
  readonly search: string;
}

/**
 * Parses a request target, and refuses whatever two parsers could read in two ways: an absolute form
 * (which names another host), dot segments and empty ones, written out or encoded, a backslash, a NUL
 * or another control character, bytes that are no UTF-8 (as overlong forms are), and a percent sign
 * that would be decoded once more. Each segment is decoded once, and never again.
 *
 * An encoded slash stays in its segment; whether it may be there its route decides, and those of tags
 * alone take one (`parseTagName` refuses dot segments between them).
 *
 * @throws INVALID_ARGUMENT; TOO_LARGE for a target that is too long.
 */
export function parseTarget(target: string): RequestTarget {
  if (target.length > targetBytesMax) throw refused("it is too long", "TOO_LARGE");
  if (!target.startsWith("/")) throw refused("it does not begin with a slash");
  if (!/^[!-~]*$/.test(target)) throw refused("it has a character that is to be encoded");
  if (target.includes("#")) throw refused("it has a fragment");
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  if (path.includes("\\")) throw refused("it has a backslash");
  const search = mark < 0 ? "" : target.slice(mark + 1);
  decode(search.replaceAll("+", " "));
  const segments = path === "/" ? [] : path.slice(1).split("/").map(decodeSegment);
  if (segments.length > segmentsMax) throw refused("its path is too deep");
  return { segments, search };
}

/** A path in which nothing is encoded, no segment is empty or begins with a dot, and no query follows. */
const plainPath = /^(?:\/[\w:~-][\w.:~-]*){1,16}$/;

/** Refuses what {@link parseTarget} does, for who needs none of its parts. @throws as it does. */
export function checkTarget(target: string): void {
  if (target.length > targetBytesMax || !plainPath.test(target)) parseTarget(target);
}

function decodeSegment(encoded: string): string {
  const text = decode(encoded);
  if (text === "") throw refused("a segment of its path is empty");
  if (text === encoded && !/^\.|[;/]/.test(text)) return text;
  if (/%[0-9a-f]{2}/i.test(text)) throw refused("a segment of its path is encoded twice");
  if (text.includes("\\")) throw refused("it has a backslash");
  for (const part of text.split("/")) {
    // Other software drops what follows a semicolon, and then has a dot segment.
    const bare = part.split(";", 1)[0];
    if (bare === "." || bare === "..") throw refused("a segment of its path is . or ..");
  }
  return text;
}

function decode(encoded: string): string {
  // Most have nothing to decode, and what they are made of was looked at as a whole.
  if (!encoded.includes("%")) return encoded;
  let text: string;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    throw refused("it has a % escape that is broken, or no UTF-8");
  }
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) throw refused("it has a control character");
  return text;
}

function refused(
  message: string,
  code: "INVALID_ARGUMENT" | "TOO_LARGE" = "INVALID_ARGUMENT",
): StoreError {
  return new StoreError({ code, operation: "parse", subject: "request target", message });
}
