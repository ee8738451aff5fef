import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { tagNameProblem } from "@bitstore/core";
import { ownFolder } from "../fetch/folder-writer.ts";
import { badUsage } from "../frame/hinted.ts";
import { toStoreError } from "../frame/system-error.ts";

/** What stands below a folder. */
export interface FolderFiles {
  /** Of the regular files, relative to the folder, with `/` between folders, in their order. */
  readonly names: readonly string[];
  /** What can't be part of a collection, and why. */
  readonly refused: readonly { readonly name: string; readonly problem: string }[];
  /** Folders that were left out, relative to the folder. */
  readonly leftOut: readonly string[];
}

/** Files of the largest folder that is taken: about what the longest collection can name. */
const filesMax = 1_000_000;

/**
 * Lists the files below a folder, dot-files as well; what `get` keeps there for itself is left out,
 * and so are the folders of `without`, by their real absolute paths: those of the store itself.
 * Symbolic links, and what is neither a file nor a folder, are refused, as are names that break the
 * grammar of tag names.
 *
 * Rejects with INVALID_ARGUMENT for what is no folder, TOO_LARGE for more than a million files.
 */
export async function listFiles(
  folder: string,
  without: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<FolderFiles> {
  const found = await stat(folder).catch((error: unknown) => {
    throw toStoreError(error, "read", folder);
  });
  if (!found.isDirectory()) throw noFolder(folder);
  const names: string[] = [];
  const refused: { name: string; problem: string }[] = [];
  const leftOut: string[] = [];
  const root = await realpath(folder);
  const isStore = (name: string): boolean => {
    if (!without.has(join(root, name))) return false;
    leftOut.push(name);
    return true;
  };
  if (without.has(root)) throw noFiles(folder);
  for await (const { name, entry } of walk(root, "", isStore)) {
    if (signal.aborted) throw signal.reason;
    const problem = problemOf(name, entry);
    if (problem === undefined) names.push(name);
    else refused.push({ name, problem });
    if (names.length > filesMax) throw tooMany(folder);
  }
  return { names, refused, leftOut };
}

interface Found {
  readonly name: string;
  readonly entry: Dirent;
}

async function* walk(
  root: string,
  prefix: string,
  isStore: (name: string) => boolean,
): AsyncGenerator<Found, void, void> {
  const folder = join(root, prefix);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw toStoreError(error, "read", folder);
  });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    if (prefix === "" && entry.name === ownFolder) continue;
    const name = prefix + entry.name;
    if (entry.isDirectory()) {
      if (!isStore(name)) yield* walk(root, `${name}/`, isStore);
    } else yield { name, entry };
  }
}

function problemOf(name: string, entry: Dirent): string | undefined {
  if (entry.isSymbolicLink()) return "it is a symbolic link, which is not followed";
  if (!entry.isFile()) return "it is neither a file nor a folder";
  return tagNameProblem(name);
}

function noFiles(folder: string): Error {
  return badUsage(`${folder} is a folder of the store itself`, "name a folder of files of yours");
}

function noFolder(folder: string): Error {
  return badUsage(`${folder} is no folder`, "a single file is stored by put, and tagged by digest");
}

function tooMany(folder: string): Error {
  return badUsage(
    `${folder} holds more than ${filesMax} files`,
    "make several collections of it, each under a tag of its own",
  );
}
