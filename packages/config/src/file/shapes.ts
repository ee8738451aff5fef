import { z } from "zod";
import { suggestion } from "../did-you-mean.ts";
import { optionNames } from "../url/option-rules.ts";
import type { ConfigPath } from "./path.ts";
import { kindOf, type Tree, type TreeMap } from "./tree.ts";

const tiersMax = 32;
const credentialsMax = 8;

/** An option is written as in a URL's query, or as the YAML value that reads the same. */
const optionValue = z.union([z.string(), z.number(), z.boolean()]);
const text = z.string();

const credentialsShape = z.union([
  z.literal("default"),
  z.literal("anonymous"),
  z.strictObject({ profile: text }),
  z.strictObject({ accessKeyId: text, secretAccessKey: text, sessionToken: text.optional() }),
  z.strictObject({ keyFile: text }),
  z.strictObject({ connectionString: text }),
  z.strictObject({ accountName: text, accountKey: text }),
  z.strictObject({ sas: text }),
]);

const storeKeys = {
  url: text,
  headers: z.record(text, z.unknown()).optional(),
  credentials: z
    .union([credentialsShape, z.array(credentialsShape).max(credentialsMax)])
    .optional(),
  ...Object.fromEntries(optionNames.map((name) => [name, optionValue.optional()])),
  fill: z.union([text, z.array(text)]).optional(),
};
const tierShape = z.strictObject(storeKeys);

const fileShape = z.strictObject({
  tiers: z.array(z.unknown()).min(1).max(tiersMax).optional(),
  metadata: z.union([text, z.record(text, z.unknown())]).optional(),
  ack: text.optional(),
  journal: z.record(text, z.unknown()).optional(),
  server: z.record(text, z.unknown()).optional(),
});

const journalShape = z.strictObject({
  directory: text.optional(),
  bytesMax: optionValue.optional(),
  entryBytesMax: optionValue.optional(),
  concurrencyMax: optionValue.optional(),
});

/** A mistake of shape: a key that is not known, a value of another type. */
export interface ShapeProblem {
  readonly path: ConfigPath;
  readonly of: "key" | "value";
  readonly message: string;
}

/** Finds what is wrong with the top of a file, its tiers not looked into. */
export function fileShapeProblems(tree: Tree): readonly ShapeProblem[] {
  return shapeProblems(fileShape, tree, Object.keys(fileShape.shape));
}

/** Finds what is wrong with the keys of one tier, or of the metadata. */
export function tierShapeProblems(tree: TreeMap): readonly ShapeProblem[] {
  return shapeProblems(tierShape, tree, Object.keys(storeKeys));
}

/** Finds what is wrong with the keys of the journal. */
export function journalShapeProblems(tree: TreeMap): readonly ShapeProblem[] {
  return shapeProblems(journalShape, tree, Object.keys(journalShape.shape));
}

function shapeProblems(
  shape: z.ZodType,
  tree: Tree,
  keys: readonly string[],
): readonly ShapeProblem[] {
  const result = shape.safeParse(tree);
  if (result.success) return [];
  return result.error.issues.flatMap((issue): ShapeProblem[] => {
    const path = issue.path.filter((step) => typeof step !== "symbol");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: [...path, key],
        of: "key",
        message: `unknown key, ${suggestion(key, keys)}`,
      }));
    }
    return [{ path, of: "value", message: messageOf(issue, valueAt(tree, path), path) }];
  });
}

function messageOf(issue: z.core.$ZodIssue, value: Tree | undefined, path: ConfigPath): string {
  if (path[0] === "credentials") return credentialsHint;
  if (path[0] === "url" && value === undefined) return "is missing; every tier has one";
  if (value === null) return "is empty; give it a value or leave it out";
  if (issue.code === "too_small") return "is empty; leave it out for the default";
  if (issue.code === "too_big") return `has more than ${issue.maximum} entries`;
  const wanted = wantedAt(path, issue);
  if (path[0] === "fill" && Array.isArray(value)) return `holds other than texts; write ${wanted}`;
  return `is ${kindOf(value)}; write ${wanted}`;
}

function wantedAt(path: ConfigPath, issue: z.core.$ZodIssue): string {
  const [first] = path;
  if (first === "fill") return "the names of tiers, each a text";
  if (first === "metadata") return "a store URL, or a map with url and options";
  if (path.length === 0) return "a map of tiers, metadata and server";
  if (issue.code === "invalid_type" && issue.expected === "string") {
    return "a text, in quotes if need be";
  }
  if (issue.code === "invalid_type" && issue.expected === "array") return "a list";
  return issue.code === "invalid_type" ? "a map" : "one value";
}

const credentialsHint =
  "are a list of default, anonymous, {profile}, {accessKeyId, secretAccessKey, sessionToken}, {keyFile}, {connectionString}, {accountName, accountKey} or {sas}";

function valueAt(tree: Tree, path: ConfigPath): Tree | undefined {
  let value: Tree | undefined = tree;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string | number, Tree>>)[step];
  }
  return value;
}
