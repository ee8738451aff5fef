import { ok, type Parsed, wrong } from "../result.ts";
import { hasControls } from "../show-text.ts";

/** Leaves room below every service's 1024 bytes a key for the longest blob or manifest name. */
const prefixBytesMax = 512;
const utf8 = new TextEncoder();

/** Reads a key prefix from a URL's path, without the slash that ends the bucket's name. */
export function readPrefix(encoded: string): Parsed<string> {
  const decoded = decodePercent(encoded);
  if ("problem" in decoded) return decoded;
  const prefix = decoded.value;
  if (hasControls(prefix)) return wrong("the prefix has a control character");
  if (utf8.encode(prefix).byteLength > prefixBytesMax) {
    return wrong(`the prefix is longer than ${prefixBytesMax} bytes`);
  }
  return ok(prefix);
}

/** Decodes percent escapes; one that is broken or no UTF-8 is a problem, not text. */
export function decodePercent(encoded: string): Parsed<string> {
  try {
    return ok(decodeURIComponent(encoded));
  } catch {
    return wrong("has a broken % escape; a percent sign itself is written %25");
  }
}

/** Writes a prefix or path so that {@link decodePercent} reads it back, with slashes kept. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
