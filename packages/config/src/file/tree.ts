import type { ConfigPath } from "./path.ts";

/** Plain data of a config file. Maps have no prototype, so that no key means anything to them. */
export type Tree = string | number | boolean | null | readonly Tree[] | TreeMap;
export interface TreeMap {
  readonly [key: string]: Tree;
}

/** A config file, read: its data, and where each value of it stands. */
export interface ConfigTree {
  readonly root: Tree;
  /** Line and column, counted from one, of a value, or of its key; undefined where unknown. */
  readonly place: (
    path: ConfigPath,
    of?: "key" | "value",
  ) => { readonly line: number; readonly column: number } | undefined;
  /** Variables that were expanded in a text, if any. */
  readonly variables: (path: ConfigPath) => readonly string[];
}

/** A mistake in a file before its keys are looked at. */
export interface TreeProblem {
  readonly path: ConfigPath;
  /** Where the file itself knows it; else the place of the path is taken. */
  readonly place?: { readonly line: number; readonly column: number } | undefined;
  readonly message: string;
}

export interface ReadTree {
  readonly tree: ConfigTree;
  readonly problems: readonly TreeProblem[];
}

export const treeDepthMax = 32;
export const treeNodesMax = 20_000;

export function isTreeMap(tree: Tree | undefined): tree is TreeMap {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}

/** Names what a value is, for messages. */
export function kindOf(tree: Tree | undefined): string {
  if (tree === undefined) return "missing";
  if (tree === null) return "empty";
  if (typeof tree === "string") return "a text";
  if (typeof tree === "number") return "a number";
  if (typeof tree === "boolean") return "true or false";
  return Array.isArray(tree) ? "a list" : "a map";
}
