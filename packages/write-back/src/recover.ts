import { join } from "node:path";
import { type Digest, isAlgorithm, isDigest, parseDigest, throwIfAborted } from "@bitstore/core";
import { errnoOf } from "./disk-error.ts";
import type { Journal } from "./journal.ts";
import { rottenError } from "./set-aside.ts";

interface Found {
  readonly digest: Digest;
  readonly size: number;
  readonly modifiedMs: number;
}

/** Files that are looked at a time. */
const looksMax = 32;

/**
 * Takes up what the last owner left, however it ended: temporary files go, since nothing of them was
 * acknowledged; each linked file is pending again, the oldest first. All folders are synced, since the
 * last owner may have died before it had: a name that is seen now must not go, and one that is not must
 * not come back after its blob was deleted.
 */
export async function recover(journal: Journal): Promise<void> {
  const { files, folder, pending, room, settings } = journal;
  const { clock, date, signal } = settings;
  for (const name of await files.listFolder(folder.tmp)) {
    await files.unlink(folder.tmpPath(name));
  }
  for (const name of await files.listFolder(folder.rotten)) {
    const digest = digestOfRotten(name);
    if (digest === undefined) continue;
    const paths = [...(journal.rotten.get(digest)?.paths ?? []), join(folder.rotten, name)];
    journal.rotten.set(digest, { error: rottenError(digest, settings.name), paths });
  }
  const found: Found[] = [];
  for (const algorithm of await files.listFolder(folder.pending)) {
    if (!isAlgorithm(algorithm)) continue;
    const folders = join(folder.pending, algorithm);
    for (const part of await files.listFolder(folders)) {
      throwIfAborted(signal, "open");
      const names = await listOf(journal, join(folders, part));
      if (names === undefined) continue;
      await folder.ensure(join(folders, part));
      await folder.sync(join(folders, part));
      const digests = names
        .map((hex) => `${algorithm}:${hex}`)
        .filter((name) => isDigest(name))
        .map((name) => parseDigest(name))
        .filter((digest) => folder.pendingPath(digest).startsWith(join(folders, part)));
      for (let at = 0; at < digests.length; at += looksMax) {
        const looks = digests.slice(at, at + looksMax).map((digest) => lookAt(journal, digest));
        for (const each of await Promise.all(looks)) if (each !== undefined) found.push(each);
      }
    }
  }
  found.sort((a, b) => a.modifiedMs - b.modifiedMs || (a.digest < b.digest ? -1 : 1));
  const now = clock.now();
  const today = date();
  for (const { digest, size, modifiedMs } of found) {
    pending.add(digest, size, now - Math.max(0, today - modifiedMs));
    room.occupy(size);
  }
}

async function listOf({ files }: Journal, path: string): Promise<readonly string[] | undefined> {
  try {
    return await files.listFolder(path);
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

async function lookAt({ files, folder }: Journal, digest: Digest): Promise<Found | undefined> {
  const { isFile, size, modifiedMs } = await files.facts(folder.pendingPath(digest));
  return isFile ? { digest, size, modifiedMs } : undefined;
}

function digestOfRotten(name: string): Digest | undefined {
  const match = /^(.+)-([0-9a-f]{40,128})-/.exec(name);
  const text = match === null ? "" : `${match[1]}:${match[2]}`;
  return isDigest(text) ? parseDigest(text) : undefined;
}
