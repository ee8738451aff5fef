import { type Environment, expandText } from "./expand.ts";
import type { ConfigPath } from "./path.ts";
import { type ReadTree, type Tree, treeDepthMax, treeNodesMax, type TreeProblem } from "./tree.ts";

/**
 * Reads what a config module exports into plain data, with the environment expanded as in a file.
 * It is data alone: functions, dates and instances of classes are mistakes, keys that are undefined
 * are left out.
 */
export function readValueTree(exported: unknown, environment: Environment): ReadTree {
  const problems: TreeProblem[] = [];
  const variables = new Map<string, readonly string[]>();
  let nodes = 0;

  function refuse(path: ConfigPath, message: string): null {
    problems.push({ path, message });
    return null;
  }
  function convert(input: unknown, path: ConfigPath): Tree {
    nodes += 1;
    if (nodes > treeNodesMax)
      return nodes === treeNodesMax + 1 ? refuse([], "it has too many values") : null;
    if (path.length > treeDepthMax) return refuse(path, "it is nested too deeply");
    if (input === null || typeof input === "number" || typeof input === "boolean") return input;
    if (typeof input === "string") {
      const expanded = expandText(input, environment);
      if ("problem" in expanded) {
        refuse(path, expanded.problem);
        // The text stays, so that the rest of the file is still looked at.
        return input;
      }
      if (expanded.value.variables.length > 0) {
        variables.set(JSON.stringify(path), expanded.value.variables);
      }
      return expanded.value.text;
    }
    if (Array.isArray(input))
      return Array.from(input, (item, index) => convert(item, [...path, index]));
    if (typeof input === "object" && isPlain(input)) return convertMap(input, path);
    return refuse(path, `is a ${typeof input}; a config is plain data`);
  }
  function convertMap(input: object, path: ConfigPath): Tree {
    const map: Record<string, Tree> = Object.create(null);
    for (const [key, value] of Object.entries(input)) {
      if (key === "__proto__") refuse([...path, key], "this key is not allowed");
      else if (value !== undefined) map[key] = convert(value, [...path, key]);
    }
    return map;
  }

  const root = convert(exported, []);
  return {
    tree: {
      root,
      place: () => undefined,
      variables: (path) => variables.get(JSON.stringify(path)) ?? [],
    },
    problems,
  };
}

function isPlain(input: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === null || prototype === Object.prototype;
}
