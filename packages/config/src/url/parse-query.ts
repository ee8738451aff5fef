import { nearest } from "../did-you-mean.ts";
import { ok, type Parsed, wrong } from "../result.ts";
import { showText } from "../show-text.ts";
import { readHeaderName, readHeaderValue } from "./header-values.ts";
import { hasPlaceholder } from "./http-template.ts";
import { decodePercent } from "./key-prefix.ts";
import { readFlag } from "./option-values.ts";
import { isOptionName, optionNames, optionRules } from "./option-rules.ts";
import { namesSecret } from "./secret-text.ts";
import type { PlainOptions } from "./option-rules.ts";
import type { StoreOptions } from "./store-url.ts";

export interface QueryParts {
  readonly options: StoreOptions;
  /** Parameters that belong to an HTTP API, as they stand in its template. */
  readonly apiQuery: readonly string[];
}

interface Pair {
  readonly name: string;
  /** Undefined where there is no equals sign, which is short for true. */
  readonly value: string | undefined;
}

/**
 * Reads a store URL's query. On an HTTP API a parameter with a placeholder in it, or one that is
 * written `query.NAME`, is the API's own; everything else must be a known option, so that a typo is
 * not sent to the API instead of being obeyed.
 */
export function readQuery(query: string | undefined, isHttp: boolean): Parsed<QueryParts> {
  const options: Record<string, unknown> = {};
  const headers: Record<string, string> = Object.create(null);
  const apiQuery: string[] = [];
  const seen = new Set<string>();
  for (const text of query === undefined ? [] : query.split("&")) {
    const pair = readPair(text);
    if ("problem" in pair) return pair;
    const { name, value } = pair.value;
    const taken = takePair(name, value, isHttp);
    if ("problem" in taken) return taken;
    const { key } = taken.value;
    if (seen.has(key)) return wrong(`${key} is written twice; keep one`);
    seen.add(key);
    if (taken.value.kind === "api") apiQuery.push(taken.value.text);
    else if (taken.value.kind === "header") headers[taken.value.header] = taken.value.value;
    else options[key] = taken.value.value;
  }
  const plain = options as PlainOptions;
  return ok({ options: seenHeaders(headers) ? { ...plain, headers } : plain, apiQuery });
}

type Taken =
  | { readonly kind: "api"; readonly key: string; readonly text: string }
  | {
      readonly kind: "header";
      readonly key: string;
      readonly header: string;
      readonly value: string;
    }
  | { readonly kind: "option"; readonly key: string; readonly value: unknown };

function takePair(name: string, given: string | undefined, isHttp: boolean): Parsed<Taken> {
  const value = given ?? "";
  if (/^header\./i.test(name)) return takeHeader(name.slice("header.".length), value);
  const own = name.startsWith("query.");
  if (isHttp && (own || hasPlaceholder(value))) {
    return takeApiParameter(own ? name.slice("query.".length) : name, value);
  }
  if (!isOptionName(name)) return wrong(unknownOption(name, isHttp));
  const rule = optionRules[name];
  if (given === undefined && rule.read !== readFlag) return wrong(`${name} has no value`);
  const read = rule.read(given ?? "true");
  if ("problem" in read) return wrong(`${name} ${read.problem}`);
  return ok({ kind: "option", key: name, value: read.value });
}

function takeHeader(header: string, value: string): Parsed<Taken> {
  const name = readHeaderName(header);
  if ("problem" in name) return wrong(`header.${header.slice(0, 40)} ${name.problem}`);
  const read = readHeaderValue(name.value, value, false);
  if ("problem" in read) return wrong(`header.${name.value} ${read.problem}`);
  return ok({ kind: "header", key: `header.${name.value}`, header: name.value, value: read.value });
}

function takeApiParameter(name: string, value: string): Parsed<Taken> {
  if (namesSecret(name)) return wrong(`${showText(name)} is a secret; ${secretHint}`);
  const text = `${encodeKeepingPlaceholders(name)}=${encodeKeepingPlaceholders(value)}`;
  return ok({ kind: "api", key: `query.${name}`, text });
}

function readPair(text: string): Parsed<Pair> {
  const equals = text.indexOf("=");
  const name = decodePercent(equals < 0 ? text : text.slice(0, equals));
  const value = decodePercent(text.slice(equals + 1));
  if ("problem" in name) return wrong("an option's name has a broken % escape");
  if ("problem" in value) return wrong(`${showText(name.value)} ${value.problem}`);
  if (name.value === "") return wrong("has an empty option; write ?name=value&name=value");
  return ok({ name: name.value, value: equals < 0 ? undefined : value.value });
}

/** Braces stay as they are in a template, so that its placeholders do. */
function encodeKeepingPlaceholders(text: string): string {
  return encodeURIComponent(text).replace(/%7B/g, "{").replace(/%7D/g, "}");
}

function seenHeaders(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).length > 0;
}

const secretHint = "write it as header.NAME=env:VARIABLE, or in the environment";

function unknownOption(name: string, isHttp: boolean): string {
  const shown = showText(name);
  if (/^(?:sig|sv|se|sp|sr|st|skoid)$/i.test(name)) {
    return "has a SAS in it, which is a secret; put it in AZURE_STORAGE_CONNECTION_STRING or in `credentials` of the config file";
  }
  if (namesSecret(name)) return `${shown} is a secret, which no URL may hold; ${secretHint}`;
  const near = nearest(name, [...optionNames, "header.NAME"]);
  if (near !== undefined) return `unknown option ${shown}, did you mean "${near}"?`;
  if (isHttp)
    return `unknown option ${shown}; write query.${name.slice(0, 40)}=… to send it to the API`;
  return `unknown option ${shown}; known are ${optionNames.join(", ")}, header.NAME`;
}
