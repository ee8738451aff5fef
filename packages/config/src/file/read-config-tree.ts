import type { StoreDraft } from "../tiers/draft.ts";
import type { JournalDraft } from "../tiers/journal-draft.ts";
import { type ConfigPath, formatPath } from "./path.ts";
import type { ConfigPlace, Report } from "./problems.ts";
import { readJournal } from "./read-journal.ts";
import { type FileContext, readStore } from "./read-store.ts";
import { fileShapeProblems } from "./shapes.ts";
import { isTreeMap, type ReadTree, type Tree, type TreeMap } from "./tree.ts";

/** What a config file says. */
export interface FileDrafts {
  /** Undefined where the file says nothing of tiers. */
  readonly tiers: readonly StoreDraft[] | undefined;
  readonly metadata: StoreDraft | undefined;
  /** Undefined where the origin acknowledges puts. */
  readonly journal: JournalDraft | undefined;
  readonly server: TreeMap;
  /** Names of variables that a tier, the metadata or the journal expands, with where. */
  readonly variables: readonly { readonly name: string; readonly place: ConfigPlace }[];
}

/**
 * Reads the drafts out of a file's tree. `shown` is the file's name in reports, `base` the folder
 * that its relative paths start from. Whatever is wrong is reported; the rest is still read, so
 * that all mistakes come at once.
 */
export function readConfigTree(
  { tree, problems }: ReadTree,
  shown: string,
  base: string,
  report: Report,
): FileDrafts {
  const place = (path: ConfigPath, of: "key" | "value" = "value"): ConfigPlace => ({
    file: shown,
    ...placeOf(tree.place, path, of),
    key: formatPath(path),
  });
  const reported = new Set<string>();
  for (const { path, place: known, message } of problems) {
    report({ ...place(path), ...known, message });
    reported.add(formatPath(path));
  }
  const variables: { name: string; place: ConfigPlace }[] = [];
  const context: FileContext = {
    base,
    place,
    variables: tree.variables,
    report(path, message, of) {
      // What could not be expanded is no valid value either, which is not another mistake.
      if (!reported.has(formatPath(path))) report({ ...place(path, of), message });
    },
  };
  const nothing = {
    tiers: undefined,
    metadata: undefined,
    journal: undefined,
    server: emptyMap,
    variables,
  };
  if (tree.root === null) return nothing;
  for (const problem of fileShapeProblems(tree.root)) {
    context.report(problem.path, problem.message, problem.of);
  }
  if (!isTreeMap(tree.root)) return nothing;
  const { tiers, metadata, server } = tree.root;
  for (const part of ["tiers", "metadata", "ack", "journal"]) {
    eachText(tree.root[part] ?? null, [part], (path) => {
      for (const name of tree.variables(path)) variables.push({ name, place: place(path) });
    });
  }
  return {
    tiers: Array.isArray(tiers)
      ? tiers.flatMap((tier: Tree, index) => readStore(tier, ["tiers", index], context) ?? [])
      : undefined,
    metadata: readMetadata(metadata, context),
    journal: readJournal(tree.root, context),
    server: isTreeMap(server) ? server : emptyMap,
    variables,
  };
}

const emptyMap: TreeMap = Object.freeze(Object.create(null));

function readMetadata(tree: Tree | undefined, context: FileContext): StoreDraft | undefined {
  if (isTreeMap(tree)) return readStore(tree, ["metadata"], context);
  if (typeof tree !== "string") return undefined;
  // A text alone is short for a map with a url, whose place is the text's own.
  const shorten = (path: ConfigPath): ConfigPath => (path[1] === "url" ? path.slice(0, 1) : path);
  const map: TreeMap = { url: tree };
  return readStore(map, ["metadata"], {
    base: context.base,
    place: (path, of) => context.place(shorten(path), of),
    variables: (path) => context.variables(shorten(path)),
    report: (path, message, of) => context.report(shorten(path), message, of),
  });
}

/** Finds the place of a path, or of the nearest part around it that has one. */
function placeOf(
  find: ReadTree["tree"]["place"],
  path: ConfigPath,
  of: "key" | "value",
): ReturnType<ReadTree["tree"]["place"]> {
  for (let length = path.length; length >= 0; length -= 1) {
    const found = find(path.slice(0, length), length === path.length ? of : "value");
    if (found !== undefined) return found;
  }
  return undefined;
}

function eachText(tree: Tree, path: ConfigPath, visit: (path: ConfigPath) => void): void {
  if (typeof tree === "string") visit(path);
  else if (Array.isArray(tree)) {
    tree.forEach((item: Tree, index) => eachText(item, [...path, index], visit));
  } else if (isTreeMap(tree)) {
    for (const [key, item] of Object.entries(tree)) eachText(item, [...path, key], visit);
  }
}
