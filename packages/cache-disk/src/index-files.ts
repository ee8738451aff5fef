import { statSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isStoreError, sleep } from "@bitstore/core";
import { type CacheFolder, ensureFolders } from "./cache-folder.ts";
import { type CacheIndex, openIndex } from "./cache-index.ts";
import { diskFault, toStoreError } from "./disk-fault.ts";
import { type FileLock, tryLock } from "./file-lock.ts";
import { busyError } from "./index-values.ts";
import { claimOwner, type OwnerClaim, type OwnerSurvey, surveyOwners } from "./owners.ts";
import type { CacheSettings } from "./settings.ts";

/** An index that is open, and the claim under which this process uses it. */
export interface OpenIndex {
  readonly index: CacheIndex;
  /** Tells the index's file from another one under the same name. */
  readonly inode: number;
  readonly claim: OwnerClaim;
}

/** Decides which file is the index; one process at a time, under a lock on the directory. */
export interface IndexFiles {
  /**
   * Opens the index, or makes it: where there is none, where it is damaged, and where the machine
   * went down over it. `suspect` is the inode of an index that turned out to be damaged; `claim` is
   * kept if its file is there still.
   */
  open(claim?: OwnerClaim, suspect?: number): Promise<OpenIndex>;
  /** The inode of what is the index now. */
  inode(): number | undefined;
  /** Tells the living owners from the dead, while nobody can become one. */
  survey(own: string): Promise<OwnerSurvey>;
  /** Does work again while somebody else's lock is in its way; waits without blocking. */
  retrying<T>(operation: string, work: () => T): Promise<T>;
}

const firstDelayMs = 1;
const delayMsMax = 25;

export function indexFiles(folder: CacheFolder, settings: CacheSettings): IndexFiles {
  const { clock, limits, name: source } = settings;
  const path = join(folder.root, "index.sqlite");
  const inode = (): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

  async function retrying<T>(operation: string, work: () => T): Promise<T> {
    const deadline = clock.now() + limits.busyMs;
    for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMsMax, delayMs * 2)) {
      try {
        return work();
      } catch (error) {
        if (diskFault(error) !== "busy") throw error;
        if (clock.now() >= deadline) {
          throw toStoreError(error, { operation, subject: "index", source });
        }
      }
      await sleep(clock, delayMs);
    }
  }

  function lockFolder(): Promise<FileLock> {
    return retrying("open", () => {
      const lock = tryLock(join(folder.root, "index.lock"));
      if (lock === undefined) throw busyError();
      return lock;
    });
  }

  async function removeIndex(): Promise<void> {
    for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
  }

  /** Keeps one damaged index, for whoever wants to know what happened to it. */
  async function setAside(): Promise<void> {
    try {
      await rename(path, join(folder.root, "index-damaged.sqlite"));
    } catch (error) {
      if (diskFault(error) !== "absent") throw error;
    }
    await removeIndex();
  }

  async function openOrRenew(): Promise<CacheIndex> {
    const fresh = { budget: settings.budget, epoch: settings.uniqueId() };
    const open = (): CacheIndex => openIndex(path, fresh);
    try {
      return await retrying("open", open);
    } catch (error) {
      const fault = diskFault(error);
      if (isStoreError(error) || (fault !== "corrupt" && fault !== "other")) throw error;
      await setAside();
      return await retrying("open", open);
    }
  }

  /** Gives the claim that is still good, or a new one. */
  async function keepOrClaim(old: OwnerClaim | undefined): Promise<OwnerClaim> {
    if (old === undefined) return await claimOwner(folder, settings.uniqueId);
    if (await old.isInPlace()) return old;
    await old.release();
    return await claimOwner(folder, settings.uniqueId);
  }

  return {
    inode,
    retrying,
    async open(old, suspect) {
      await ensureFolders(folder);
      const lock = await lockFolder();
      let claim: OwnerClaim | undefined;
      try {
        const { rebooted, dead } = await surveyOwners(folder, old?.name);
        // Claimed before the index is opened: who finds a dead claim knows that it may be torn.
        claim = await keepOrClaim(old);
        // Without its main file the log beside it is another index's, and must not be replayed.
        if (rebooted || inode() === undefined) await removeIndex();
        else if (suspect !== undefined && inode() === suspect) await setAside();
        if (rebooted) for (const name of dead) await rm(folder.ownerPath(name), { force: true });
        const index = await openOrRenew();
        return { index, inode: inode() ?? 0, claim };
      } catch (error) {
        if (claim !== old) await claim?.release();
        throw error;
      } finally {
        lock.release();
      }
    },
    async survey(own) {
      const lock = await lockFolder();
      try {
        return await surveyOwners(folder, own);
      } finally {
        lock.release();
      }
    },
  };
}
