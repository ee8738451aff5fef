import {
  type Algorithm,
  algorithms as allAlgorithms,
  defaultAlgorithm,
  type Digest,
  digestBytes,
  splitDigest,
  StoreError,
} from "@bitstore/core";
import { shownUrl } from "./shown-url.ts";

/** Where an API has its blobs. */
export interface UrlTemplate {
  /** Scheme, host and port, such as `https://api.example.com`. */
  readonly origin: string;
  /** Host as the URL standard writes it; IPv6 addresses are in brackets. */
  readonly hostname: string;
  /** The template for messages, without secrets. */
  readonly shown: string;
  /** Algorithms whose digests it can name, in the order of the option or of core. */
  readonly algorithms: readonly Algorithm[];
  /** Path and query of a digest whose algorithm it can name. */
  path(digest: Digest): string;
}

export interface UrlTemplateOptions {
  /** Algorithm of a template that names none; sha256 where it is left out. */
  readonly algorithm?: Algorithm | undefined;
  /** Algorithms that the API has, for a template that names them; all where it is left out. */
  readonly algorithms?: readonly Algorithm[] | undefined;
}

type Placeholder =
  | { readonly kind: "digest" }
  | { readonly kind: "algorithm" }
  | { readonly kind: "hex"; readonly start: number; readonly end: number | undefined };

const hint = "put {digest}, {algorithm}/{hex} or {hex} where the blob's digest belongs";

/**
 * Parses a URL with placeholders: `{digest}` is `algorithm:hex`, `{algorithm}` and `{hex}` are its
 * halves, `{hex:0:2}` is a slice (start and end, the end may be left out). What is inserted is
 * percent-encoded. The placeholders must carry the whole digest, or two blobs had one URL.
 *
 * @throws CONFIG_INVALID with a hint, for a template that is no such URL.
 */
export function parseUrlTemplate(template: string, options: UrlTemplateOptions = {}): UrlTemplate {
  const shown = shownUrl(template);
  const refuse = (message: string): StoreError =>
    new StoreError({
      code: "CONFIG_INVALID",
      operation: "parse",
      subject: `url ${shown}`,
      message,
    });
  const authority = /^https?:\/\/([^/?#\\]*)/i.exec(template)?.[1];
  if (authority === undefined) throw refuse("an API's URL starts with https:// or http://");
  if (authority.includes("@")) {
    throw refuse("user info has no place in a URL; use headers, such as authorization: env:NAME");
  }
  if (/[{}]/.test(authority)) throw refuse("a placeholder can't be in the host");
  if (template.includes("#")) throw refuse("a fragment is never sent; leave it out");

  const pieces = template.split(/(\{[^{}]*\})/);
  const placeholders: Placeholder[] = [];
  const marked = pieces.map((piece, index) => {
    if (index % 2 === 0) {
      if (/[{}]/.test(piece)) throw refuse(`a brace is open; ${hint}`);
      return piece;
    }
    const placeholder = parsePlaceholder(piece);
    if (placeholder === undefined) throw refuse(`${piece} is no placeholder; ${hint}`);
    placeholders.push(placeholder);
    return mark;
  });
  if (template.includes(mark)) throw refuse(`${mark} can't be part of the URL`);
  const url = URL.parse(marked.join(""));
  if (url === null) throw refuse("it is no URL");
  // The static parts are normalised once, so that a request only joins strings.
  const parts = `${url.pathname}${url.search}`.split(mark);
  if (parts.length !== placeholders.length + 1) {
    throw refuse("a dot segment swallows a placeholder; write the path without ..");
  }
  const algorithms = algorithmsOf(placeholders, options, refuse);
  for (const algorithm of algorithms) checkWhole(placeholders, algorithm, refuse);
  return {
    origin: url.origin,
    hostname: url.hostname,
    shown,
    algorithms,
    path: (digest) => {
      const { algorithm, hex } = splitDigest(digest);
      let path = parts[0] ?? "";
      placeholders.forEach((placeholder, index) => {
        path += encodeURIComponent(valueOf(placeholder, digest, algorithm, hex));
        path += parts[index + 1] ?? "";
      });
      return path;
    },
  };
}

// Letters that no URL parser rewrites, and nobody writes.
const mark = "bitstoreplaceholderhere";

function parsePlaceholder(text: string): Placeholder | undefined {
  if (text === "{digest}") return { kind: "digest" };
  if (text === "{algorithm}") return { kind: "algorithm" };
  const match = /^\{hex(?::(\d{1,3}):(\d{1,3})?)?\}$/.exec(text);
  if (match === null) return undefined;
  const start = Number(match[1] ?? 0);
  const end = match[2] === undefined ? undefined : Number(match[2]);
  return end !== undefined && end <= start ? undefined : { kind: "hex", start, end };
}

function valueOf(placeholder: Placeholder, digest: Digest, algorithm: string, hex: string): string {
  if (placeholder.kind === "digest") return digest;
  return placeholder.kind === "algorithm"
    ? algorithm
    : hex.slice(placeholder.start, placeholder.end);
}

function algorithmsOf(
  placeholders: readonly Placeholder[],
  options: UrlTemplateOptions,
  refuse: (message: string) => StoreError,
): readonly Algorithm[] {
  const namesAlgorithm = placeholders.some(({ kind }) => kind !== "hex");
  const { algorithm, algorithms } = options;
  if (namesAlgorithm) return algorithms ?? (algorithm === undefined ? allAlgorithms : [algorithm]);
  if (algorithms !== undefined && algorithms.length !== 1) {
    throw refuse("{hex} alone can't tell several algorithms apart; add {algorithm}, or name one");
  }
  return [algorithm ?? algorithms?.[0] ?? defaultAlgorithm];
}

/** Refuses placeholders that leave a part of the digest out. */
function checkWhole(
  placeholders: readonly Placeholder[],
  algorithm: Algorithm,
  refuse: (message: string) => StoreError,
): void {
  if (placeholders.some(({ kind }) => kind === "digest")) return;
  const digits = digestBytes[algorithm] * 2;
  const slices = placeholders.filter((each) => each.kind === "hex");
  let covered = 0;
  for (const { start, end } of slices.toSorted((a, b) => a.start - b.start)) {
    if (start <= covered) covered = Math.max(covered, end ?? digits);
  }
  if (covered >= digits) return;
  const lacks = slices.length === 0 ? "there is no digest in it" : "its slices leave digits out";
  throw refuse(`${lacks}; ${hint}`);
}
