import type { BigIntStats } from "node:fs";
import { lstat } from "node:fs/promises";
import { StoreError } from "@bitstore/core";
import type { KeyLock } from "./key-lock.ts";
import { pathOfKey } from "./key-path.ts";
import type { Root } from "./root.ts";
import { errnoOf } from "./to-store-error.ts";

/** What the operations of one bucket share. */
export interface FsContext {
  readonly name: string;
  readonly root: Root;
  readonly lock: () => KeyLock;
  readonly fsync: boolean;
  readonly nonce: () => string;
  readonly nowMs: () => number;
}

/** Where a key's file is, or would be. */
export interface Place {
  /** Names of the directories that it is in, from the root down. */
  readonly parents: readonly string[];
  readonly path: string;
}

export function placeOf(root: Root, key: string): Place {
  const names = pathOfKey(key, root.folds());
  return { parents: names.slice(0, -1), path: root.join(names) };
}

/** Looks at a key's file without following a link; undefined where there is none. */
export async function lookAt(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Looks for an object where it would be. Anything but a file is none, and a link is refused. */
export async function peekAt(root: Root, place: Place): Promise<BigIntStats | undefined> {
  if ((await root.directory(place.parents)) === undefined) return undefined;
  const stats = await lookAt(place.path);
  if (stats?.isSymbolicLink() === true) throw errno("ELOOP");
  return stats?.isFile() === true ? stats : undefined;
}

/** Finds an object; undefined where it is absent, which is said only of a root that is there. */
export async function findObject(root: Root, place: Place): Promise<BigIntStats | undefined> {
  const stats = await peekAt(root, place);
  if (stats === undefined) await root.check();
  return stats;
}

/** Fails where something that is no file has the place of one that is to be written. */
export function checkIsFile(stats: BigIntStats): void {
  if (stats.isSymbolicLink()) throw errno("ELOOP");
  if (!stats.isFile()) throw errno("EISDIR");
}

function errno(code: "ELOOP" | "EISDIR"): Error {
  return Object.assign(new Error(code), { code });
}

export function conflict(operation: string, key: string, source: string): StoreError {
  return new StoreError({
    code: "PRECONDITION_FAILED",
    operation,
    subject: key,
    source,
    message: "the object is not at the version that was asked for",
  });
}
