import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { showText } from "../show-text.ts";
import { type Environment, expandText } from "./expand.ts";
import type { ConfigPath } from "./path.ts";
import {
  type ConfigTree,
  type ReadTree,
  type Tree,
  treeDepthMax,
  treeNodesMax,
  type TreeProblem,
} from "./tree.ts";

/** A file needs few aliases; many of them, nested, would grow to anything. */
const aliasesMax = 100;
const forbiddenKeys: ReadonlySet<string> = new Set(["__proto__"]);

const tagHint = "tags have no meaning here; leave the !tag out";

/** What is wrong with a syntax, in the words of what to do. */
const syntaxHints: ReadonlyMap<string, string> = new Map([
  ["DUPLICATE_KEY", "the key is written twice; keep one"],
  ["TAB_AS_INDENT", "a tab indents the line; YAML takes spaces only"],
  ["MULTIPLE_DOCS", "a second document starts here; a config is one"],
  ["TAG_RESOLVE_FAILED", tagHint],
  ["NON_STRING_KEY", "a key must be a text"],
  ["RESOURCE_EXHAUSTION", "it is nested too deeply"],
]);

/**
 * Reads YAML, or JSON, which is YAML too, into plain data with the environment expanded. It never
 * throws: all mistakes of syntax and expansion are listed. Aliases, depth and size are bounded.
 */
export function readYamlTree(text: string, environment: Environment): ReadTree {
  const lines = new LineCounter();
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: true,
    merge: false,
    schema: "core",
    logLevel: "error",
  });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.map(({ code, message, pos }) => ({
      path: [],
      place: at(pos[0]),
      message: syntaxHints.get(code) ?? `${message[0]?.toLowerCase() ?? ""}${message.slice(1)}`,
    }));
    return { tree: emptyTree, problems };
  }
  const problems: TreeProblem[] = [];
  const keyOffsets = new Map<string, number>();
  const valueOffsets = new Map<string, number>();
  const variables = new Map<string, readonly string[]>();
  const open = new Set<Node>();
  let nodes = 0;
  let aliases = 0;

  function refuse(path: ConfigPath, message: string): null {
    problems.push({ path, message });
    return null;
  }
  function convertNode(node: Node | null, path: ConfigPath): Tree {
    if (node === null) return null;
    nodes += 1;
    if (node.range && !valueOffsets.has(idOf(path))) valueOffsets.set(idOf(path), node.range[0]);
    if (nodes > treeNodesMax)
      return nodes === treeNodesMax + 1 ? refuse([], "it has too many values") : null;
    if (path.length > treeDepthMax) return refuse(path, "it is nested too deeply");
    if (isAlias(node)) return followAlias(node.resolve(document) ?? null, node.source, path);
    if (node.tag !== undefined) return refuse(path, tagHint);
    if (open.has(node)) return refuse(path, "an alias stands inside of what it names");
    open.add(node);
    try {
      if (isSeq<Node>(node))
        return node.items.map((item, index) => convertNode(item, [...path, index]));
      if (isMap<Node, Node | null>(node)) return convertMap(node.items, path);
      return isScalar(node) ? convertScalar(node.value, path) : null;
    } finally {
      open.delete(node);
    }
  }
  function followAlias(target: Node | null, name: string, path: ConfigPath): Tree {
    aliases += 1;
    if (target === null) return refuse(path, `no anchor is named ${showText(name)}`);
    if (aliases <= aliasesMax) return convertNode(target, path);
    return aliases === aliasesMax + 1
      ? refuse(path, `there are more than ${aliasesMax} aliases`)
      : null;
  }
  function convertMap(
    items: readonly { readonly key: Node; readonly value: Node | null }[],
    path: ConfigPath,
  ): Tree {
    const map: Record<string, Tree> = Object.create(null);
    for (const { key: keyNode, value } of items) {
      const key = isScalar(keyNode) ? String(keyNode.value) : "";
      const inner = [...path, key];
      if (keyNode.range) keyOffsets.set(idOf(inner), keyNode.range[0]);
      if (forbiddenKeys.has(key)) refuse(inner, "this key is not allowed");
      else map[key] = convertNode(value, inner);
    }
    return map;
  }
  function convertScalar(value: unknown, path: ConfigPath): Tree {
    if (typeof value === "number" || typeof value === "boolean") return value;
    if (typeof value !== "string") return null;
    const expanded = expandText(value, environment);
    if ("problem" in expanded) {
      refuse(path, expanded.problem);
      // The text stays, so that the rest of the file is still looked at.
      return value;
    }
    if (expanded.value.variables.length > 0) variables.set(idOf(path), expanded.value.variables);
    return expanded.value.text;
  }

  const root = convertNode(document.contents, []);
  const tree: ConfigTree = {
    root,
    place(path, of = "value") {
      const id = idOf(path);
      const key = keyOffsets.get(id);
      const value = valueOffsets.get(id);
      const offset = of === "key" ? (key ?? value) : (value ?? key);
      return offset === undefined ? undefined : at(offset);
    },
    variables: (path) => variables.get(idOf(path)) ?? [],
  };
  return { tree, problems };
}

const emptyTree: ConfigTree = { root: null, place: () => undefined, variables: () => [] };

function idOf(path: ConfigPath): string {
  return JSON.stringify(path);
}
