import { lstat, opendir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { errnoOf } from "./to-store-error.ts";

/** Entries of the root that are looked at for one with a letter in its name. */
const entriesMax = 64;

/**
 * Resolves to whether the directory's file system takes `Name` and `name` for one, by looking at a
 * name that is there under its swapped case. It writes nothing, since a bucket that is only read
 * must stay untouched. Systems by Apple fold accents even where they keep case, so they count too.
 */
export async function foldsNames(
  directory: string,
  preferred: string,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  if (platform === "darwin" || platform === "win32") return true;
  // The root's own name comes last: it is mostly, and not always, on the same disk as its entries.
  const candidates = [`${directory}/${preferred}`];
  for (const name of await firstEntries(directory)) candidates.push(`${directory}/${name}`);
  candidates.push(directory);
  for (const candidate of candidates) {
    const swapped = `${dirname(candidate)}/${swapCase(basename(candidate))}`;
    if (swapped === candidate) continue;
    const inode = await inodeOf(candidate);
    if (inode !== undefined) return inode === (await inodeOf(swapped));
  }
  return false;
}

async function firstEntries(directory: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of await opendir(directory)) {
    names.push(name);
    if (names.length === entriesMax) break;
  }
  return names;
}

function swapCase(name: string): string {
  return name.replace(/[A-Za-z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await lstat(path, { bigint: true })).ino;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
