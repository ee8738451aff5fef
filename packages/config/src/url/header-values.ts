import { ok, type Parsed, wrong } from "../result.ts";
import { showText } from "../show-text.ts";
import { namesSecret, refersToSecret } from "./secret-text.ts";

const headerValueCharsMax = 8192;

/** Headers that belong to the transport, or that a read sets itself. */
const reserved: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-match",
  "if-range",
  "keep-alive",
  "proxy-connection",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Reads a header's name into lower case. */
export function readHeaderName(name: string): Parsed<string> {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name)) {
    return wrong(`${showText(name)} is no header name`);
  }
  const lower = name.toLowerCase();
  return reserved.has(lower) ? wrong("is set by the request itself; leave it out") : ok(lower);
}

/**
 * Reads a header's value. One that carries a secret must be a reference, unless it came from the
 * environment already (`expanded`); the value never appears in the problem.
 */
export function readHeaderValue(name: string, value: string, expanded: boolean): Parsed<string> {
  if (value.length > headerValueCharsMax) {
    return wrong(`is longer than ${headerValueCharsMax} characters`);
  }
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    return wrong("has a character that no header takes");
  }
  if (namesSecret(name) && !refersToSecret(value) && !expanded) {
    return wrong(
      "is a secret; write where it is, env:NAME or file:PATH, as in Bearer env:API_TOKEN",
    );
  }
  return ok(value);
}
