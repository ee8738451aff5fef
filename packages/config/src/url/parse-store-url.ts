import { isAbsolute } from "node:path";
import { StoreError } from "@bitstore/core";
import { ok, type Parsed, wrong } from "../result.ts";
import { hasControls } from "../show-text.ts";
import { headerKinds, kindSchemes, optionNames, optionRules } from "./option-rules.ts";
import { readLocation } from "./parse-location.ts";
import { readQuery } from "./parse-query.ts";
import { findUserInfo, redactUrl } from "./redact-url.ts";
import { rebaseReference } from "./secret-text.ts";
import type { StoreLocation, StoreUrl, StoreOptions } from "./store-url.ts";

const urlCharsMax = 4096;

/**
 * Parses a store URL or a path, with its options. It reads nothing but its arguments: relative
 * paths start from `base`, an absolute folder.
 *
 * @throws INVALID_ARGUMENT naming the URL without secrets, what is wrong, and what to write.
 */
export function parseStoreUrl(input: string, base: string): StoreUrl {
  const read = readStoreUrl(input, base);
  const parsed = "problem" in read ? read : settleStore(read.value);
  if ("value" in parsed) return parsed.value;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "parse",
    subject: input === "" ? "store" : `store ${redactUrl(input)}`,
    message: parsed.problem,
  });
}

/**
 * Reads a store URL's own text, and answers with the problem instead of throwing it. More options
 * may be said elsewhere, so whether they fit together is for {@link settleStore}.
 */
export function readStoreUrl(input: string, base: string): Parsed<StoreUrl> {
  const problem = textProblem(input);
  if (problem !== undefined) return wrong(problem);
  const mark = input.indexOf("?");
  const beforeQuery = mark < 0 ? input : input.slice(0, mark);
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(beforeQuery);
  const scheme = match?.[1]?.toLowerCase();
  const rest = match?.[2] ?? beforeQuery;
  // A path may hold a number sign; in a URL it would start a fragment, which no store has.
  if (scheme !== undefined && input.includes("#")) {
    return wrong("has a fragment; write a number sign in a prefix as %23");
  }
  if (scheme !== undefined && scheme.length > 1 && input.includes("\\"))
    return wrong("has a backslash; write / instead");
  const query = readQuery(
    mark < 0 ? undefined : input.slice(mark + 1),
    scheme === "http" || scheme === "https",
  );
  if ("problem" in query) return query;
  const { options, apiQuery } = query.value;
  const location = readLocation({ scheme, rest, base, apiQuery });
  if ("problem" in location) return location;
  return ok({ location: location.value, options: rebaseHeaders(options, base) });
}

/** Secrets of headers that lie in files are looked for where other paths start from. */
function rebaseHeaders(options: StoreOptions, base: string): StoreOptions {
  const { headers } = options;
  if (headers === undefined || !isAbsolute(base)) return options;
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    rebaseReference(value, base),
  ]);
  return { ...options, headers: Object.fromEntries(entries) };
}

/** Checks a location and all options said of it against each other. */
export function settleStore({ location, options }: StoreUrl): Parsed<StoreUrl> {
  const problem = optionProblem(location, options);
  if (problem !== undefined) return wrong(problem);
  return ok({ location: endPrefix(location, options), options });
}

function textProblem(input: string): string | undefined {
  if (input === "") return "is empty; write a store URL or a path, such as s3://bucket/prefix/";
  if (input.length > urlCharsMax) return `is longer than ${urlCharsMax} characters`;
  if (input.trim() !== input) return "has white space around it";
  if (!input.isWellFormed()) return "has an unpaired surrogate";
  if (hasControls(input)) return "has a control character";
  if (findUserInfo(input) !== undefined) {
    return "has user info in it, and URLs are printed; credentials come from the environment or `credentials` of the config file (an @ that is none is written %40)";
  }
  if (/\b(?:AccountKey|SharedAccessSignature)=/i.test(input)) {
    return "is a connection string; put it in AZURE_STORAGE_CONNECTION_STRING and write az://container/prefix/";
  }
  return undefined;
}

function optionProblem(location: StoreLocation, options: StoreOptions): string | undefined {
  const { kind } = location;
  for (const name of optionNames) {
    if (options[name] === undefined || optionRules[name].kinds.includes(kind)) continue;
    const known = optionRules[name].kinds.map((each) => kindSchemes[each]).join(", ");
    return `${name} is no option of ${kindSchemes[kind]}; it is one of ${known}`;
  }
  if (options.headers !== undefined && !headerKinds.includes(kind)) {
    return `headers are no option of ${kindSchemes[kind]}; they are one of https:`;
  }
  if (options.layout === "flat" && options.algorithm === undefined) {
    return "layout=flat holds one algorithm; say which, such as algorithm=sha1";
  }
  if (location.kind === "az" && location.service !== undefined) {
    const again = options.endpoint === undefined ? "account" : "endpoint";
    if (options[again] !== undefined) return `${again} is said by the URL's host as well; keep one`;
  }
  if (options.anonymous === true && options.profile !== undefined) {
    return "anonymous and profile exclude each other; keep one";
  }
  return undefined;
}

/**
 * Ends a folder's prefix with a slash. A flat prefix is taken as it is written, since existing keys
 * may start with anything; a sharded one always names a folder.
 */
function endPrefix(location: StoreLocation, options: StoreOptions): StoreLocation {
  if (!("prefix" in location) || options.layout === "flat") return location;
  if (location.prefix === "" || location.prefix.endsWith("/")) return location;
  return { ...location, prefix: `${location.prefix}/` };
}
