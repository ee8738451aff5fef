import type { Parsed } from "../result.ts";
import { readHeaderName, readHeaderValue } from "../url/header-values.ts";
import { rebaseReference } from "../url/secret-text.ts";
import type { ConfigPath } from "./path.ts";
import { isTreeMap, kindOf, type Tree, type TreeMap } from "./tree.ts";

/** A header as it is written in a file, and where, from its store on. */
export interface HeaderEntry {
  readonly name: string;
  readonly value: Tree;
  readonly path: ConfigPath;
}

/** Takes the headers of a store apart from the rest: a map, or one by one as in a URL. */
export function splitHeaders(tree: TreeMap): {
  readonly plain: TreeMap;
  readonly headers: readonly HeaderEntry[];
} {
  const plain: Record<string, Tree> = Object.create(null);
  const headers: HeaderEntry[] = [];
  for (const [key, value] of Object.entries(tree)) {
    if (key.startsWith("header.")) {
      headers.push({ name: key.slice("header.".length), value, path: [key] });
    } else plain[key] = value;
  }
  const map = plain["headers"];
  for (const [name, value] of isTreeMap(map) ? Object.entries(map) : []) {
    headers.push({ name, value, path: ["headers", name] });
  }
  return { plain, headers };
}

/** Reads a header; its path, if it refers to a file, starts from `base`. */
export function readHeader(
  { name, value }: HeaderEntry,
  base: string,
  isExpanded: boolean,
): Parsed<{ readonly name: string; readonly value: string }> {
  if (typeof value !== "string") return { problem: `is ${kindOf(value)}; write a text in quotes` };
  const header = readHeaderName(name);
  if ("problem" in header) return header;
  const read = readHeaderValue(header.value, value, isExpanded);
  if ("problem" in read) return read;
  return { value: { name: header.value, value: rebaseReference(read.value, base) } };
}
