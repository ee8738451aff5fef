import { readFile, open, readdir, rm, stat } from "node:fs/promises";
import type { CacheFolder } from "./cache-folder.ts";
import { diskFault } from "./disk-fault.ts";
import { type FileLock, tryLock } from "./file-lock.ts";

/** One process's share of the directory: a locked file in `owners`, whose name marks its files. */
export interface OwnerClaim {
  readonly name: string;
  /** Tells whether the file is there still; it goes where somebody clears the directory. */
  isInPlace(): Promise<boolean>;
  release(): Promise<void>;
}

export interface OwnerSurvey {
  readonly alive: ReadonlySet<string>;
  readonly dead: readonly string[];
  /** Some owner was alive when the machine went down, so the index may be in any state. */
  readonly rebooted: boolean;
}

/** Characters of the boot's own id that an owner's name begins with. */
const bootCharacters = 8;
const unknownBoot = "unknown-";
const ownerName = /^[\w-]{8}-\d+-\w+$/;

/**
 * Claims a share. The lock tells others that the process lives; the name tells which boot of the
 * machine it belongs to, and is on the disk before anything else is written.
 */
export async function claimOwner(folder: CacheFolder, unique: () => string): Promise<OwnerClaim> {
  const name = `${await bootId()}-${process.pid}-${unique()}`;
  const path = folder.ownerPath(name);
  const lock: FileLock | undefined = tryLock(path);
  if (lock === undefined) throw new Error("the name of an owner was taken twice");
  const claim: OwnerClaim = {
    name,
    async isInPlace() {
      return (await stat(path).catch(() => undefined)) !== undefined;
    },
    async release() {
      // One that can't be removed is the file of a dead owner from here on, which the next clears up.
      await rm(path, { force: true }).catch(() => undefined);
      lock.release();
    },
  };
  try {
    await syncFolder(folder.owners);
    return claim;
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** Looks at all owners but one's own, and tells the living from the dead by their locks. */
export async function surveyOwners(folder: CacheFolder, own?: string): Promise<OwnerSurvey> {
  const boot = await bootId();
  const alive = new Set<string>(own === undefined ? [] : [own]);
  const dead: string[] = [];
  for (const name of await readdir(folder.owners)) {
    if (name === own || !ownerName.test(name)) continue;
    const lock = tryLock(folder.ownerPath(name));
    if (lock === undefined) {
      alive.add(name);
      continue;
    }
    lock.release();
    dead.push(name);
  }
  // Where boots can't be told apart, each death is taken for the machine's.
  const rebooted = dead.some((name) => boot === unknownBoot || !name.startsWith(`${boot}-`));
  return { alive, dead, rebooted };
}

/** Name of the owner that a file in `tmp` belongs to: all before the last dash. */
export function ownerOfFile(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("-")));
}

async function bootId(): Promise<string> {
  try {
    const id = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return id.slice(0, bootCharacters);
  } catch {
    return unknownBoot;
  }
}

/** Makes a folder's names durable; where the system can't sync folders, that is its business. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (diskFault(error) === "absent" || diskFault(error) === "full") throw error;
  }
}
