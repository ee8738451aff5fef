import { rename } from "node:fs/promises";
import type { CallOptions } from "@bitstore/core";
import { type FsContext, findObject, lookAt, placeOf } from "./place.ts";
import { errnoOf, toStoreError } from "./to-store-error.ts";

/**
 * Deletes an object under its key's lock; resolves to whether there was one. The file is moved into
 * the lock and deleted with it, so that a process whose lock was taken from it deletes nothing.
 * Directories that become empty stay: a put of another process may be about to use them.
 */
export async function deleteObject(
  context: FsContext,
  key: string,
  { signal }: CallOptions,
): Promise<boolean> {
  const { root, name } = context;
  try {
    await root.ready();
    const place = placeOf(root, key);
    if ((await findObject(root, place)) === undefined) return false;
    await root.make();
    const deleted = await context.lock().hold(key, {
      operation: "delete",
      signal,
      finish: (folder) => movedAway(place.path, `${folder}/victim`),
    });
    if (deleted) await root.sync(root.join(place.parents));
    return deleted;
  } catch (error) {
    throw toStoreError(error, "delete", name, key);
  }
}

async function movedAway(path: string, to: string): Promise<boolean> {
  try {
    await rename(path, to);
    return true;
  } catch (error) {
    // Either the file is gone, or the folder of a lock that was lost.
    if (errnoOf(error) === "ENOENT" && (await lookAt(path)) === undefined) return false;
    throw error;
  }
}
