import { dirname } from "node:path";
import { type Digest, publishAlarm, StoreError } from "@bitstore/core";
import { errnoOf } from "./disk-error.ts";
import type { Journal } from "./journal.ts";
import { fileMatches } from "./read-file.ts";

/** What is at the name of a pending blob, after a look at every byte. */
export type Standing = "right" | "rotten" | "absent";

/**
 * Reads the file of a pending blob. One that is wrong twice in a row is rotten: a single wrong read
 * is only a suspicion.
 */
export async function standingOf(journal: Journal, digest: Digest): Promise<Standing> {
  const { files, folder, settings } = journal;
  const path = folder.pendingPath(digest);
  const { readBytes } = settings.limits;
  try {
    if (await fileMatches(files, path, digest, readBytes)) return "right";
    return (await fileMatches(files, path, digest, readBytes)) ? "right" : "rotten";
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "absent";
    throw error;
  }
}

/**
 * Takes a rotten file out of what is pending: it stays in `rotten/`, for a person to look at, and an
 * alarm tells of it. Called in the digest's turn. The new name is durable before the old one goes.
 */
export async function setAside(journal: Journal, digest: Digest): Promise<void> {
  const { files, folder, pending, room, rotten, settings } = journal;
  const path = folder.pendingPath(digest);
  const kept = folder.rottenPath(digest, journal.uniqueName());
  await files.link(path, kept);
  await folder.sync(folder.rotten);
  await files.unlink(path);
  journal.removals.removedFrom(dirname(path));
  const error = rottenError(digest, settings.name);
  rotten.set(digest, { error, paths: [...(rotten.get(digest)?.paths ?? []), kept] });
  const entry = pending.get(digest);
  if (entry !== undefined) {
    pending.remove(entry, "rotten", error);
    room.free(entry.size);
  }
  publishAlarm({ kind: "pending-rotten", subject: digest, source: settings.name, error });
}

/** Removes what was set aside of a blob, since nobody needs it any more, and forgets it, durably. */
export async function dropRotten(journal: Journal, digest: Digest): Promise<void> {
  const { files, folder, rotten } = journal;
  const blob = rotten.get(digest);
  if (blob === undefined) return;
  for (const path of blob.paths) {
    await files.unlink(path).catch((error: unknown) => {
      if (errnoOf(error) !== "ENOENT") throw error;
    });
  }
  await folder.sync(folder.rotten);
  rotten.delete(digest);
}

export function rottenError(digest: Digest, source: string): StoreError {
  return new StoreError({
    code: "DIGEST_MISMATCH",
    operation: "upload",
    subject: digest,
    source,
    message: "its pending file went bad and was kept in rotten/; put the blob again",
  });
}

/** Takes a blob out of what is pending whose file is gone. Called in the digest's turn. */
export function giveUpLost(journal: Journal, digest: Digest): void {
  const { pending, room, settings } = journal;
  const entry = pending.get(digest);
  if (entry === undefined) return;
  const error = new StoreError({
    code: "NOT_FOUND",
    operation: "upload",
    subject: digest,
    source: settings.name,
    message: "somebody removed its file before it was uploaded; put the blob again",
  });
  pending.remove(entry, "lost", error);
  room.free(entry.size);
  publishAlarm({ kind: "pending-lost", subject: digest, source: settings.name, error });
}
