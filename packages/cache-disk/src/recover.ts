import { readdir, rm } from "node:fs/promises";
import { existsSync, rmSync } from "node:fs";
import type { CacheFolder } from "./cache-folder.ts";
import type { CacheIndex } from "./cache-index.ts";
import type { Departures } from "./departures.ts";
import { digestOfKey } from "./digest-key.ts";
import type { HoldRow } from "./index-holds.ts";
import type { IndexGuard } from "./index-guard.ts";
import { ownerOfFile } from "./owners.ts";

export interface RecoverParts {
  readonly guard: IndexGuard;
  readonly folder: CacheFolder;
  readonly departures: Departures;
}

/**
 * Clears up after processes that died in the middle of something: their temporary files are
 * removed, what they were taking out is taken out, and the room that they held is given back. What
 * was listed before the survey and has no living owner in it has none at all, since names are never
 * used twice.
 */
export async function recoverDead(parts: RecoverParts): Promise<void> {
  const { guard, folder, departures } = parts;
  const files = await readdir(folder.tmp);
  const holds = await guard.read("recover", (index) => unfinished(index));
  const { alive, dead } = await guard.survey();

  for (const name of files) {
    if (!alive.has(ownerOfFile(name))) await rm(folder.tmpPath(name), { force: true });
  }
  const orphans = holds.filter(({ owner }) => !alive.has(owner));
  if (orphans.length > 0) {
    const leaving = await departures.write("recover", (index) => {
      const stillThere = orphans.filter(({ id, owner }) => index.holds.get(id)?.owner === owner);
      for (const hold of stillThere) if (hold.kind === "put") dropPut(index, folder, hold);
      return stillThere
        .filter(({ kind }) => kind === "leaving")
        .map((hold) => departures.adopt(index, hold));
    });
    await departures.remove(leaving, "recover");
    await departures.settle("recover");
  }
  for (const name of dead) await rm(folder.ownerPath(name), { force: true });
}

function unfinished(index: CacheIndex): HoldRow[] {
  return [...index.holds.ofKind("put"), ...index.holds.ofKind("leaving")];
}

/**
 * Gives a put's room back, in a transaction, after its temporary file was removed. A process that
 * died between the rename and the end of its transaction has left a blob that no row names.
 */
export function dropPut(index: CacheIndex, folder: CacheFolder, hold: HoldRow): void {
  if (!index.holds.drop(hold.id) || hold.key === undefined) return;
  const digest = digestOfKey(hold.key);
  if (digest === undefined || index.lookup(hold.key) !== undefined) return;
  // While files are there that no walk has seen yet, it may be one of those: the walk finds it.
  if (index.holds.isLeaving(hold.key) || index.totals().unseen > 0) return;
  const path = folder.blobPath(digest);
  if (existsSync(path)) rmSync(path, { force: true });
}
