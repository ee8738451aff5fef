import type { Parsed } from "../result.ts";
import type { Credentials } from "../store-config.ts";
import type { StoreDraft } from "../tiers/draft.ts";
import { isOptionName, optionRules } from "../url/option-rules.ts";
import { readStoreUrl, settleStore } from "../url/parse-store-url.ts";
import type { StoreOptions, StoreUrl } from "../url/store-url.ts";
import { type HeaderEntry, readHeader, splitHeaders } from "./header-entries.ts";
import type { ConfigPath } from "./path.ts";
import type { ConfigPlace } from "./problems.ts";
import { readCredentials } from "./read-credentials.ts";
import { tierShapeProblems } from "./shapes.ts";
import { isTreeMap, kindOf, type Tree, type TreeMap } from "./tree.ts";

/** What reading a store from a file needs beside the store. */
export interface FileContext {
  /** Folder of the file, that relative paths start from. */
  readonly base: string;
  readonly place: (path: ConfigPath, of?: "key" | "value") => ConfigPlace;
  readonly variables: (path: ConfigPath) => readonly string[];
  readonly report: (path: ConfigPath, message: string, of?: "key" | "value") => void;
}

/** The context of one store, with paths that start from it. */
interface StoreContext extends FileContext {
  /** Keys whose values have another shape, which is reported already. */
  readonly bad: ReadonlySet<string>;
}

type SaidOptions = Partial<Record<keyof StoreOptions, unknown>>;

/** Reads a tier, or the metadata, of a file. Mistakes are reported; then nothing is returned. */
export function readStore(tree: Tree, path: ConfigPath, file: FileContext): StoreDraft | undefined {
  if (!isTreeMap(tree)) {
    file.report(path, `is ${kindOf(tree)}; write a map with url and options`);
    return undefined;
  }
  const { plain, headers } = splitHeaders(tree);
  const bad = new Set<string>();
  let mistakes = 0;
  const context: StoreContext = {
    base: file.base,
    bad,
    place: (inner, of) => file.place([...path, ...inner], of),
    variables: (inner) => file.variables([...path, ...inner]),
    report(inner, message, of) {
      mistakes += 1;
      file.report([...path, ...inner], message, of);
    },
  };
  for (const problem of tierShapeProblems(plain)) {
    bad.add(String(problem.path[0]));
    context.report(problem.path, problem.message, problem.of);
  }
  const said = readUrl(plain, context);
  const options = mergeOptions(plain, headers, said, context);
  if (said === undefined) return undefined;
  const credentials = readAllCredentials(plain, options, said, context);
  const settled = settleStore({ location: said.location, options: options as StoreOptions });
  if ("problem" in settled) {
    const option = /^\w+/.exec(settled.problem)?.[0] ?? "";
    context.report([option in plain ? option : "url"], settled.problem);
    return undefined;
  }
  if (mistakes > 0) return undefined;
  const place = (option?: string, index?: number): ConfigPlace => {
    if (option === undefined || !(option in plain)) return context.place(["url"]);
    return context.place(index === undefined ? [option] : [option, index]);
  };
  return { ...settled.value, credentials, place };
}

function readUrl(plain: TreeMap, context: StoreContext): StoreUrl | undefined {
  const { url } = plain;
  if (typeof url !== "string" || context.bad.has("url")) return undefined;
  const read = readStoreUrl(url, context.base);
  if ("value" in read) return read.value;
  context.report(["url"], read.problem);
  return undefined;
}

/** Joins what the URL says and what stands beside it; they may not contradict each other. */
function mergeOptions(
  plain: TreeMap,
  headers: readonly HeaderEntry[],
  said: StoreUrl | undefined,
  context: StoreContext,
): SaidOptions {
  const options: SaidOptions = { ...said?.options };
  for (const [name, value] of Object.entries(plain)) {
    if (!isOptionName(name) || context.bad.has(name)) continue;
    // A YAML value reads like the text that a URL's query would have in its place.
    const parsed: Parsed<unknown> = optionRules[name].read(textOf(value));
    if ("problem" in parsed) context.report([name], parsed.problem);
    else if (!isOther(options[name], parsed.value)) options[name] = parsed.value;
    else context.report([name], "the URL says otherwise; keep one");
  }
  const merged = { ...said?.options.headers };
  for (const entry of headers) {
    if (context.bad.has(String(entry.path[0]))) continue;
    const isExpanded = context.variables(entry.path).length > 0;
    const header = readHeader(entry, context.base, isExpanded);
    if ("problem" in header) context.report(entry.path, header.problem);
    else if (!isOther(merged[header.value.name], header.value.value)) {
      merged[header.value.name] = header.value.value;
    } else context.report(entry.path, "the header is written twice; keep one");
  }
  return Object.keys(merged).length === 0 ? options : { ...options, headers: merged };
}

function readAllCredentials(
  plain: TreeMap,
  options: SaidOptions,
  { location }: StoreUrl,
  context: StoreContext,
): readonly Credentials[] {
  const { credentials } = plain;
  if (credentials === undefined || context.bad.has("credentials")) return [];
  const entries: readonly Tree[] = Array.isArray(credentials) ? credentials : [credentials];
  const read = entries.flatMap((entry, index) => {
    const at = Array.isArray(credentials) ? ["credentials", index] : ["credentials"];
    const isExpanded = (field: string): boolean => context.variables([...at, field]).length > 0;
    const parsed = readCredentials(entry, location.kind, context.base, isExpanded);
    if ("value" in parsed) return [parsed.value];
    context.report(at, parsed.problem);
    return [];
  });
  for (const option of ["anonymous", "profile"] as const) {
    if (read.length === 0 || (options[option] ?? false) === false) continue;
    context.report(["credentials"], `${option} is said as well; keep one`);
  }
  return read;
}

function textOf(value: Tree): string {
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "string") return value;
  if (typeof value !== "number" || Number.isInteger(value)) return JSON.stringify(value);
  // A small price would be written with an exponent otherwise.
  return value.toFixed(12).replace(/\.?0+$/, "");
}

function isOther(said: unknown, value: unknown): boolean {
  return said !== undefined && JSON.stringify(said) !== JSON.stringify(value);
}
