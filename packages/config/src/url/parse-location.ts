import { isAbsolute, resolve } from "node:path";
import { nearest } from "../did-you-mean.ts";
import { ok, type Parsed, wrong } from "../result.ts";
import { hasControls } from "../show-text.ts";
import { hasPlaceholder, readTemplate } from "./http-template.ts";
import { decodePercent, readPrefix } from "./key-prefix.ts";
import type { StoreLocation } from "./store-url.ts";

/** What stands before the query of a store URL. */
export interface LocationText {
  readonly scheme: string | undefined;
  /** All after `scheme:`, or all of a path. */
  readonly rest: string;
  /** Folder that relative paths start from. */
  readonly base: string;
  /** Parameters of an HTTP API, as they stand in its template. */
  readonly apiQuery: readonly string[];
}

type Reader = (text: LocationText) => Parsed<StoreLocation>;

const s3Bucket = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;
const gsBucket = /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/;
const azContainer = /^(?:\$(?:root|web|logs)|(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*)$/;

/** Hosts of Azure Blob in its public, government and China clouds, and with DNS zones. */
const azureHosts: readonly RegExp[] = [
  /^[a-z0-9-]{3,40}\.blob\.core\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)$/,
  /^[a-z0-9-]{3,40}\.[a-z0-9]+\.blob\.storage\.azure\.net$/,
];

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["s3", (text) => bucketAt("s3", s3Bucket, text)],
  ["gs", (text) => bucketAt("gs", gsBucket, text)],
  ["az", azureAt],
  ["file", fileAt],
  ["memory", memoryAt],
  ["http", httpAt],
  ["https", httpAt],
  ["bitstore+http", bitstoreAt],
  ["bitstore+https", bitstoreAt],
]);

/** Schemes that other tools write for the same stores. */
const schemeAliases: ReadonlyMap<string, string> = new Map([
  ...["s3a", "s3n", "minio", "r2"].map((alias): [string, string] => [alias, "s3"]),
  ...["gcs", "gcp"].map((alias): [string, string] => [alias, "gs"]),
  ...["azure", "azblob", "abfs", "abfss", "wasb", "wasbs"].map((alias): [string, string] => [
    alias,
    "az",
  ]),
  ...["fs", "dir", "disk"].map((alias): [string, string] => [alias, "file"]),
  ...["mem", "ram"].map((alias): [string, string] => [alias, "memory"]),
  ["bitstore", "bitstore+https"],
]);

/** Reads where a store is, by its scheme; text without one is a path. */
export function readLocation(text: LocationText): Parsed<StoreLocation> {
  if (text.scheme === undefined) return pathAt(text.rest, text.base);
  const reader = readers.get(text.scheme);
  if (reader !== undefined) return reader(text);
  if (text.scheme.length === 1) {
    return wrong("looks like a Windows drive; write the directory as file:///dir");
  }
  const meant = schemeAliases.get(text.scheme) ?? nearest(text.scheme, [...readers.keys()]);
  const hint =
    meant === undefined
      ? `known are ${[...readers.keys()].join(", ")}; a path with a colon is written ./path`
      : `did you mean ${meant}:${meant === "memory" ? "" : "//"}?`;
  return wrong(`unknown scheme ${text.scheme.slice(0, 32)}:, ${hint}`);
}

/** Splits `//authority/path`; undefined where the two slashes are missing. */
function authorityOf(rest: string): { authority: string; path: string } | undefined {
  const match = /^\/\/([^/]*)(?:\/(.*))?$/s.exec(rest);
  return match === null ? undefined : { authority: match[1] ?? "", path: match[2] ?? "" };
}

function bucketAt(
  kind: "s3" | "gs",
  pattern: RegExp,
  { rest }: LocationText,
): Parsed<StoreLocation> {
  const parts = authorityOf(rest);
  if (parts === undefined || parts.authority === "") {
    return wrong(`names no bucket; write ${kind}://bucket/prefix/`);
  }
  if (!pattern.test(parts.authority)) {
    return wrong(
      `has no valid bucket name; write ${kind}://bucket/prefix/, and another host as ?endpoint=`,
    );
  }
  const prefix = readPrefix(parts.path);
  if ("problem" in prefix) return prefix;
  return ok({ kind, bucket: parts.authority, prefix: prefix.value });
}

function azureAt({ rest }: LocationText): Parsed<StoreLocation> {
  const parts = authorityOf(rest);
  if (parts === undefined || parts.authority === "") {
    return wrong("names no container; write az://container/prefix/");
  }
  return containerAt(undefined, parts.authority, parts.path);
}

function containerAt(
  service: string | undefined,
  container: string,
  path: string,
): Parsed<StoreLocation> {
  if (!azContainer.test(container)) {
    return wrong(
      "has no valid container name; it is 3 to 63 lower-case letters, digits and hyphens",
    );
  }
  const prefix = readPrefix(path);
  if ("problem" in prefix) return prefix;
  return ok({ kind: "az", service, container, prefix: prefix.value });
}

function httpAt(text: LocationText): Parsed<StoreLocation> {
  const url = `${text.scheme}:${text.rest}`;
  const parts = authorityOf(text.rest);
  const origin = URL.parse(`${text.scheme}://${parts?.authority ?? ""}`);
  if (parts === undefined || origin === null) {
    return wrong("is no URL; write it like https://host/blobs/{digest}");
  }
  // On an Azure host an escaped brace is a prefix's own; one as it is makes the URL an API's.
  if (
    azureHosts.some((host) => host.test(origin.hostname)) &&
    !/[{}]/.test(url) &&
    text.apiQuery.length === 0
  ) {
    const [container = "", ...path] = parts.path.split("/");
    if (container !== "") return containerAt(origin.origin, container, path.join("/"));
    return wrong(
      "names no container; write https://ACCOUNT.blob.core.windows.net/container/prefix/",
    );
  }
  if (!hasPlaceholder(url) && text.apiQuery.length === 0) {
    return wrong(
      "names no blob; an HTTP API is written with {digest} or {hex} in its path, another bitstore as bitstore+https://host",
    );
  }
  const template = readTemplate(url, text.apiQuery);
  return "problem" in template ? template : ok({ kind: "http", template: template.value });
}

function bitstoreAt({ scheme, rest }: LocationText): Parsed<StoreLocation> {
  const url = URL.parse(`${scheme?.slice("bitstore+".length)}:${rest}`);
  if (url === null || authorityOf(rest)?.authority === "" || !rest.startsWith("//")) {
    return wrong("names no host; write bitstore+https://host");
  }
  if (hasPlaceholder(rest)) {
    return wrong(
      "has a placeholder; the bitstore protocol has its own paths, write the host alone",
    );
  }
  return ok({ kind: "bitstore", base: `${url.origin}${url.pathname}`.replace(/\/+$/, "") });
}

function memoryAt({ rest }: LocationText): Parsed<StoreLocation> {
  if (rest === "" || rest === "//") return ok({ kind: "memory" });
  return wrong("memory has no path; write memory: alone");
}

function fileAt({ rest, base }: LocationText): Parsed<StoreLocation> {
  const match = /^(?:\/\/([^/]*))?(\/(?!\/).*|\/)$/s.exec(rest);
  const host = match?.[1] ?? "";
  if (match === null || (host !== "" && host.toLowerCase() !== "localhost")) {
    return wrong("a directory has no host; write file:///dir with three slashes, or a path");
  }
  const path = match[2] ?? "";
  if (/%2f/i.test(path)) return wrong("has an escaped slash, which no directory name holds");
  const decoded = decodePercent(path);
  return "problem" in decoded ? decoded : pathAt(decoded.value, base);
}

function pathAt(path: string, base: string): Parsed<StoreLocation> {
  if (path === "") return wrong("is empty; write a store URL or a path, such as ./blobs");
  if (path === "~" || path.startsWith("~/")) {
    return wrong("only a shell expands ~; write ${HOME} in a config file, or the whole path");
  }
  if (hasControls(path)) return wrong("the path has a control character");
  if (!isAbsolute(path) && !isAbsolute(base))
    return wrong("a relative path needs an absolute base");
  return ok({ kind: "file", directory: resolve(base, path) });
}
