import { pathToFileURL } from "node:url";
import { formatPrice } from "./option-values.ts";
import { encodePath } from "./key-prefix.ts";
import type { StoreLocation, StoreUrl, StoreOptions } from "./store-url.ts";

/**
 * Writes a store URL so that `parseStoreUrl` reads the same back. Headers are written as they are:
 * print it through `redactUrl`.
 */
export function formatStoreUrl({ location, options }: StoreUrl): string {
  const [before, apiPairs] = formatLocation(location);
  const pairs = [...apiPairs, ...formatOptions(options)];
  return pairs.length === 0 ? before : `${before}?${pairs.join("&")}`;
}

/** Writes where a store is, without its options; safe to print. */
export function formatStoreLocation(location: StoreLocation): string {
  return formatStoreUrl({ location, options: {} });
}

function formatLocation(location: StoreLocation): [string, readonly string[]] {
  switch (location.kind) {
    case "s3":
    case "gs":
      return [`${location.kind}://${location.bucket}/${encodePath(location.prefix)}`, []];
    case "az": {
      const { service, container, prefix } = location;
      const root = service === undefined ? `az://${container}` : `${service}/${container}`;
      return [`${root}/${encodePath(prefix)}`, []];
    }
    case "file":
      return [pathToFileURL(location.directory).href, []];
    case "memory":
      return ["memory:", []];
    case "http":
      return formatTemplate(location.template);
    case "bitstore":
      break;
  }
  return [`bitstore+${location.base}`, []];
}

/** Marks an API's own parameters, unless a placeholder in the value does. */
function formatTemplate(template: string): [string, readonly string[]] {
  const [before = "", query] = template.split("?");
  const pairs = query === undefined ? [] : query.split("&");
  return [
    before,
    pairs.map((pair) => (pair.slice(pair.indexOf("=")).includes("{") ? pair : `query.${pair}`)),
  ];
}

function formatOptions(options: StoreOptions): string[] {
  const { headers, price, fill, ...plain } = options;
  const pairs = Object.entries(plain).map(([name, value]) => formatPair(name, String(value)));
  if (price !== undefined) pairs.push(formatPair("price", formatPrice(price)));
  if (fill !== undefined) pairs.push(formatPair("fill", fill.join(",")));
  for (const [name, value] of Object.entries(headers ?? {})) {
    pairs.push(formatPair(`header.${name}`, value));
  }
  return pairs;
}

/** Leaves readable what a query may hold unescaped. */
function formatPair(name: string, value: string): string {
  const encoded = encodeURIComponent(value).replace(/%(?:2F|3A|2C)/g, decodeURIComponent);
  return `${encodeURIComponent(name)}=${encoded}`;
}
