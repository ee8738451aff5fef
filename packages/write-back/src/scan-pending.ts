import { join } from "node:path";
import { type Digest, isAlgorithm, isDigest, parseDigest, throwIfAborted } from "@bitstore/core";
import { errnoOf } from "./disk-error.ts";
import type { Journal } from "./journal.ts";
import { rottenError } from "./set-aside.ts";
import type { WriteBackSettings } from "./settings.ts";

/** A pending blob as its file says it. */
export interface FoundBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Milliseconds since 1970 of its last byte. */
  readonly modifiedMs: number;
}

/** What a look at the directory takes; whoever looks need not own it. */
export interface JournalPlace extends Pick<Journal, "files" | "folder"> {
  readonly settings: Pick<WriteBackSettings, "name" | "limits" | "date">;
}

/** Files that are looked at a time. */
const looksMax = 32;

/**
 * Lists the files of pending blobs, the oldest first; none where there is no directory. `entered` is
 * awaited for each folder before it is looked into.
 */
export async function scanPending(
  place: JournalPlace,
  signal: AbortSignal | undefined,
  entered: (folder: string) => Promise<void> = () => Promise.resolve(),
): Promise<readonly FoundBlob[]> {
  const { folder } = place;
  const found: FoundBlob[] = [];
  for (const algorithm of (await listOf(place, folder.pending)) ?? []) {
    if (!isAlgorithm(algorithm)) continue;
    const folders = join(folder.pending, algorithm);
    for (const part of (await listOf(place, folders)) ?? []) {
      throwIfAborted(signal, "open");
      const path = join(folders, part);
      const names = await listOf(place, path);
      if (names === undefined) continue;
      await entered(path);
      const digests = names
        .map((hex) => `${algorithm}:${hex}`)
        .filter((name) => isDigest(name))
        .map((name) => parseDigest(name))
        .filter((digest) => folder.pendingPath(digest).startsWith(path));
      for (let at = 0; at < digests.length; at += looksMax) {
        const looks = digests.slice(at, at + looksMax).map((digest) => lookAt(place, digest));
        for (const each of await Promise.all(looks)) if (each !== undefined) found.push(each);
      }
    }
  }
  return found.sort((a, b) => a.modifiedMs - b.modifiedMs || (a.digest < b.digest ? -1 : 1));
}

/** Resolves to what the file of a pending blob says; undefined where there is none. */
export async function lookAt(
  { files, folder }: JournalPlace,
  digest: Digest,
): Promise<FoundBlob | undefined> {
  try {
    const { isFile, size, modifiedMs } = await files.facts(folder.pendingPath(digest));
    return isFile ? { digest, size, modifiedMs } : undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Lists what was set aside, with the files of each. */
export async function scanRotten(place: JournalPlace): Promise<Journal["rotten"]> {
  const { folder, settings } = place;
  const rotten: Journal["rotten"] = new Map();
  for (const name of (await listOf(place, folder.rotten)) ?? []) {
    const digest = digestOfRotten(name);
    if (digest === undefined) continue;
    const paths = [...(rotten.get(digest)?.paths ?? []), join(folder.rotten, name)];
    rotten.set(digest, { error: rottenError(digest, settings.name), paths });
  }
  return rotten;
}

async function listOf(
  { files }: JournalPlace,
  path: string,
): Promise<readonly string[] | undefined> {
  try {
    return await files.listFolder(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

function digestOfRotten(name: string): Digest | undefined {
  const match = /^(.+)-([0-9a-f]{40,128})-/.exec(name);
  const text = match === null ? "" : `${match[1]}:${match[2]}`;
  return isDigest(text) ? parseDigest(text) : undefined;
}
