import { suggestion } from "../did-you-mean.ts";
import { ok, type Parsed, wrong } from "../result.ts";

const placeholders: readonly string[] = ["{digest}", "{algorithm}", "{hex}"];
const hexSlice = /\{hex(?::(\d{1,3}):(\d{1,3})?)?\}/g;
/** Hex digits of the shortest digest; the driver checks the exact count of the tier's algorithm. */
const hexDigitsMin = 40;

/** Tells whether text may be the template of an HTTP API. */
export function hasPlaceholder(text: string): boolean {
  return text.includes("{") || text.includes("}") || /%7[bd]/i.test(text);
}

/** Finds a brace in text that opens no known placeholder. */
export function placeholderProblem(text: string): string | undefined {
  const rest = text.replace(/\{(?:digest|algorithm)\}/g, "").replace(hexSlice, "");
  const unknown = /\{[^{}]{0,40}\}/.exec(rest)?.[0];
  if (unknown !== undefined)
    return `unknown placeholder ${unknown}, ${suggestion(unknown, placeholders)}`;
  if (/[{}]/.test(rest)) return "a brace is left open; write {digest}, {algorithm} or {hex}";
  return undefined;
}

/**
 * Reads the part of an HTTP API's URL before its query. `query` are the API's own parameters, as
 * they stand in the template. The host is fixed: a blob's name never decides where a request goes.
 */
export function readTemplate(beforeQuery: string, query: readonly string[]): Parsed<string> {
  const authority = /^[a-z]+:\/\/[^/]*/i.exec(beforeQuery)?.[0] ?? "";
  if (hasPlaceholder(authority)) {
    return wrong("has a placeholder in its host; write placeholders in the path or query only");
  }
  const url = URL.parse(beforeQuery);
  if (url === null) return wrong("is no URL; write it like https://host/blobs/{digest}");
  const path = url.pathname.replace(/%7B/gi, "{").replace(/%7D/gi, "}");
  const template = `${url.origin}${path}${query.length === 0 ? "" : `?${query.join("&")}`}`;
  const problem = placeholderProblem(template);
  if (problem !== undefined) return wrong(problem);
  if (!template.includes("{digest}") && !coversHex(template)) {
    return wrong("does not name the whole digest; write {digest} or {hex} where the API wants it");
  }
  return ok(template);
}

/** Tells whether the slices of the hex leave no digit out, or two blobs would have one URL. */
function coversHex(template: string): boolean {
  const slices = Array.from(template.matchAll(hexSlice), ([, start, end]) => ({
    start: Number(start ?? 0),
    end: Number(end ?? Number.POSITIVE_INFINITY),
  }));
  let covered = 0;
  for (const { start, end } of slices.sort((a, b) => a.start - b.start)) {
    if (start <= covered) covered = Math.max(covered, end);
  }
  return covered >= hexDigitsMin;
}
