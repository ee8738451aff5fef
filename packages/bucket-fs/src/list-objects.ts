import { type ListOptions, type ObjectInfo, throwIfAborted } from "@bitstore/core";
import { infoOf } from "./object-info.ts";
import { type FsContext, lookAt, placeOf } from "./place.ts";
import { toStoreError } from "./to-store-error.ts";
import { walkKeys, walkPrefixes } from "./walk.ts";

/** Files that are looked at at once while a list is made. */
const lookAheadMax = 32;

/** Lists objects in ascending order of their keys, looking at the files some at a time. */
export async function* listObjects(
  { root, name }: FsContext,
  prefix: string,
  { startAfter, limit = Number.POSITIVE_INFINITY, signal }: ListOptions,
): AsyncGenerator<ObjectInfo, void, void> {
  throwIfAborted(signal, "list", prefix);
  try {
    await root.check();
    if (!prefix.isWellFormed() || limit <= 0) return;
    let left = limit;
    for await (const some of looked(root, walkKeys(root, { prefix, startAfter }), left)) {
      for (const info of some) {
        throwIfAborted(signal, "list", prefix);
        yield info;
        left -= 1;
        if (left <= 0) return;
      }
    }
  } catch (error) {
    throw toStoreError(error, "list", name, prefix);
  }
}

/** Looks at the files of keys, some at once, in order; those that vanished are left out. */
async function* looked(
  root: FsContext["root"],
  keys: AsyncIterable<string>,
  limit: number,
): AsyncGenerator<readonly ObjectInfo[], void, void> {
  const size = Math.min(lookAheadMax, limit);
  const look = async (some: readonly string[]): Promise<readonly ObjectInfo[]> => {
    const infos = await Promise.all(
      some.map(async (key) => {
        const stats = await lookAt(placeOf(root, key).path);
        return stats?.isFile() === true ? [infoOf(key, stats)] : [];
      }),
    );
    return infos.flat();
  };
  let some: string[] = [];
  for await (const key of keys) {
    some.push(key);
    if (some.length < size) continue;
    yield await look(some);
    some = [];
  }
  yield await look(some);
}

/** Lists the folders one level below a prefix that hold an object. */
export async function* listPrefixes(
  { root, name }: FsContext,
  prefix: string,
  { startAfter, limit = Number.POSITIVE_INFINITY, signal }: ListOptions,
): AsyncGenerator<string, void, void> {
  throwIfAborted(signal, "list", prefix);
  try {
    await root.check();
    if (!prefix.isWellFormed() || limit <= 0) return;
    let left = limit;
    for await (const found of walkPrefixes(root, { prefix, startAfter })) {
      throwIfAborted(signal, "list", prefix);
      yield found;
      left -= 1;
      if (left <= 0) return;
    }
  } catch (error) {
    throw toStoreError(error, "list", name, prefix);
  }
}
