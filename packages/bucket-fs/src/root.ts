import { constants } from "node:fs";
import { lstat, mkdir, open, readdir, realpath, stat, writeFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { notMadeCode, StoreError } from "@bitstore/core";
import { foldsNames } from "./folds-names.ts";
import type { RootMemory } from "./root-memory.ts";
import { errnoOf } from "./to-store-error.ts";

/** Directories that are known to be durable; above it the knowledge is thrown away. */
const durableDirectoriesMax = 100_000;

/** The folder of temporary files and locks. No key maps to a name with a leading dot. */
export const temporaryFolder = ".tmp-bitstore";

/** The directory that a bucket lives in: every path is made and checked here. */
export interface Root {
  /** As it was given, absolute. */
  readonly path: string;
  /** Whether the file system folds case or accents; known once the root is there. */
  folds(): boolean;
  /** Looks at the directory if it was not looked at yet; fails as `check` does. */
  ready(): Promise<void>;
  /** Fails with UNAVAILABLE unless the directory is there, and is the one it was at first. */
  check(): Promise<void>;
  /** Makes the directory if it is not there. */
  ensure(): Promise<void>;
  /** Makes the directory if it is not there, and the folder of temporary files. */
  make(): Promise<void>;
  /** Path of names under the root. It is not checked. */
  join(names: readonly string[]): string;
  /** Path of a directory under the root; undefined where it is absent. No link is on the way. */
  directory(names: readonly string[]): Promise<string | undefined>;
  /** Makes a directory under the root, durably, and resolves to its path. */
  makeDirectory(names: readonly string[]): Promise<string>;
  /** Makes the entries of a directory durable. */
  sync(directory: string): Promise<void>;
}

export interface RootOptions {
  readonly path: string;
  readonly name: string;
  readonly fsync: boolean;
  readonly foldNames: boolean | undefined;
  readonly memory?: RootMemory | undefined;
}

interface Identity {
  readonly real: string;
  readonly device: bigint;
  readonly inode: bigint;
}

export function openRoot({ path: given, name, fsync, foldNames, memory }: RootOptions): Root {
  const path = isAbsolute(given) ? given : resolve(given);
  const durable = new Set<string>();
  let known: Identity | undefined;
  let folds = foldNames ?? false;
  let made = false;
  /** It was there before this process looked, as its memory says, and is gone. */
  let lost = false;

  const unavailable = (message: string, cause?: unknown, serviceCode?: string): StoreError => {
    const place = { operation: "use", source: name };
    return new StoreError({ code: "UNAVAILABLE", ...place, message, serviceCode, cause });
  };

  /** Looks at the root, and tells which directory it is. */
  async function identify(): Promise<Identity> {
    try {
      const real = await realpath(path);
      const { dev: device, ino: inode, ...info } = await stat(real, { bigint: true });
      if ((info.mode & BigInt(constants.S_IFMT)) !== BigInt(constants.S_IFDIR)) {
        throw unavailable("the root is no directory; move away what is there, or correct the path");
      }
      return { real, device, inode };
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
      if (lost) throw vanished(error);
      // Only what was never seen is made by a put: see `make`.
      const code = known === undefined && errnoOf(error) === "ENOENT" ? notMadeCode : undefined;
      const message = "the root directory does not exist; make it, or correct the path";
      throw unavailable(message, error, code);
    }
  }

  /** A folder that a put makes as well is what tells the bucket's directory from a mount point. */
  function vanished(cause?: unknown): StoreError {
    const anew = JSON.stringify(`${path}/${temporaryFolder}`);
    return unavailable(
      "its directory was there before and is gone; mount it, or, where it is gone for good, " +
        `let it begin anew by \`mkdir -p ${anew}\``,
      cause,
    );
  }

  async function wasThere(): Promise<boolean> {
    lost ||= (await memory?.wasThere()) ?? false;
    return lost;
  }

  async function check(): Promise<void> {
    const now = await identify();
    if (known === undefined) {
      // What is mounted later, or was made anew meanwhile, is not blank when it is looked at again.
      const isLost =
        memory !== undefined &&
        (await isBlank(now.real)) &&
        (await wasThere()) &&
        (await isBlank(now.real));
      if (isLost) throw vanished();
      lost = false;
      folds = foldNames ?? (await foldsNames(now.real, temporaryFolder));
      known = now;
      return;
    }
    // An unmounted disk leaves an empty directory behind, and its blobs would look deleted.
    if (now.device !== known.device || now.inode !== known.inode) {
      throw unavailable(
        "the root is another directory than it was; mount it again, or restart if it was replaced",
      );
    }
  }

  const base = (): string => {
    if (known === undefined) throw unavailable("the root was not looked at");
    return known.real === "/" ? "" : known.real;
  };
  const join = (names: readonly string[]): string => [base(), ...names].join("/");

  function refuseLink(at: string): StoreError {
    return new StoreError({
      code: "PERMISSION_DENIED",
      operation: "use",
      subject: at.slice(base().length + 1),
      source: name,
      message: "a symbolic link is in the way; links under the root are not followed",
    });
  }

  async function directory(names: readonly string[]): Promise<string | undefined> {
    const wanted = join(names);
    try {
      // One call resolves every component: where the result differs, one of them is a link.
      if ((await realpath(wanted)) !== wanted) throw refuseLink(wanted);
      return wanted;
    } catch (error) {
      // A file in the place of a directory means that no key has that prefix.
      if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
      return undefined;
    }
  }

  async function sync(at: string): Promise<void> {
    if (!fsync) return;
    const handle = await open(at, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } catch (error) {
      // Some network file systems have no fsync of directories: they write entries through.
      if (errnoOf(error) !== "EINVAL") throw error;
    } finally {
      await handle.close();
    }
  }

  /** Tells how many of the directories are known to be there, durable and no links. */
  async function knownDepth(depths: readonly string[], names: readonly string[]): Promise<number> {
    const depth = depths.findLastIndex((at) => durable.has(at)) + 1;
    if (depth === 0 || (await directory(names.slice(0, depth))) !== undefined) return depth;
    // Somebody has deleted it, so what is known of the others may be as old.
    durable.clear();
    return 0;
  }

  async function makeDirectory(names: readonly string[]): Promise<string> {
    const depths = names.map((_, depth) => join(names.slice(0, depth + 1)));
    const from = await knownDepth(depths, names);
    for (const at of depths.slice(from)) await makeOne(at);
    // Another writer may have made them and not have synced them yet, so they are synced anyway.
    for (let depth = from; depth < depths.length; depth += 1) {
      await sync(depths[depth - 1] ?? (base() || "/"));
    }
    if (durable.size + depths.length > durableDirectoriesMax) durable.clear();
    for (const at of depths) durable.add(at);
    return join(names);
  }

  async function makeOne(at: string): Promise<void> {
    try {
      await mkdir(at);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
      const info = await lstat(at);
      if (info.isSymbolicLink()) throw refuseLink(at);
      if (info.isDirectory()) return;
      throw Object.assign(new Error("a file is in the way", { cause: error }), { code: "ENOTDIR" });
    }
  }

  /** Resolves to whether the root had to be made. */
  async function found(): Promise<boolean> {
    try {
      await check();
      return false;
    } catch (error) {
      // Only what was never seen is made: a root that has vanished since is a lost disk.
      if (known !== undefined || lost || errnoOf(causeOf(error)) !== "ENOENT") throw error;
    }
    if (await wasThere()) {
      await check();
      return false;
    }
    // Both at once, so that it is never blank: others would ask what it is.
    const first = await mkdir(`${path}/${temporaryFolder}`, { recursive: true });
    if (first !== undefined) await syncAncestors(path, first, sync);
    await check();
    return first !== undefined;
  }

  async function make(): Promise<void> {
    const isNew = await found();
    if (made && (await directory([temporaryFolder])) !== undefined) return;
    await makeDirectory([temporaryFolder]);
    if (foldNames === undefined) folds = await foldsNames(base(), temporaryFolder);
    if (memory !== undefined) await remember(memory, isNew);
    made = true;
  }

  /** Has the root remembered, and notes here that it is, so that it is asked for once a day. */
  async function remember(by: RootMemory, isNew: boolean): Promise<void> {
    const note = join([temporaryFolder, `known-${by.id}`]);
    const noted = await lstat(note).catch(() => undefined);
    if (noted !== undefined) return;
    try {
      await by.remember();
      await writeFile(note, "");
    } catch (error) {
      // What was there before is used all the same; the next process tries again.
      if (isNew) throw error;
    }
  }

  const ensure = async (): Promise<void> => {
    try {
      await check();
    } catch (error) {
      if (errnoOf(causeOf(error)) !== "ENOENT") throw error;
      await make();
    }
  };
  const ready = async (): Promise<void> => {
    if (known === undefined) await check();
  };
  return {
    path,
    folds: () => folds,
    ready,
    check,
    ensure,
    make,
    join,
    directory,
    makeDirectory,
    sync,
  };
}

/** Tells whether nothing of a bucket is in a directory, as in a mount point without its disk. */
async function isBlank(path: string): Promise<boolean> {
  const names = await readdir(path);
  return names.every((name) => name.startsWith(".") && name !== temporaryFolder);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** Makes directories durable that were made from `first` down to `last`. */
async function syncAncestors(
  last: string,
  first: string,
  sync: (directory: string) => Promise<void>,
): Promise<void> {
  for (let at = resolve(last); at.length >= resolve(first).length; at = resolve(at, "..")) {
    await sync(resolve(at, ".."));
  }
}
