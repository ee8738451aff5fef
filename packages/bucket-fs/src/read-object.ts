import {
  type Content,
  contentOfStream,
  type ObjectInfo,
  type ReadOptions,
  resolveRange,
} from "@bitstore/core";
import { infoOf, versionOf } from "./object-info.ts";
import { conflict, type FsContext, findObject, placeOf } from "./place.ts";
import { openFile, readRange } from "./read-file.ts";
import { toStoreError } from "./to-store-error.ts";

/** Looks at an object; undefined where it is absent. */
export async function headObject(
  { root, name }: FsContext,
  key: string,
): Promise<ObjectInfo | undefined> {
  try {
    await root.ready();
    const stats = await findObject(root, placeOf(root, key));
    return stats === undefined ? undefined : infoOf(key, stats);
  } catch (error) {
    throw toStoreError(error, "head", name, key);
  }
}

/** Opens a range of an object; undefined where it is absent. */
export async function readObject(
  context: FsContext,
  key: string,
  { range: asked, ifVersion, signal }: ReadOptions,
): Promise<Content | undefined> {
  const { root, name: source } = context;
  try {
    await root.ready();
    const { parents, path } = placeOf(root, key);
    const there = (await root.directory(parents)) !== undefined;
    const file = there ? await openFile(path) : undefined;
    if (file === undefined) {
      await root.check();
      return undefined;
    }
    const { handle, stats } = file;
    const release = (): Promise<void> => handle.close().catch(() => undefined);
    try {
      const version = versionOf(stats);
      if (ifVersion !== undefined && version !== ifVersion) throw conflict("read", key, source);
      const size = Number(stats.size);
      const range = resolveRange(asked, size, "read", key);
      const stream = () => readRange(handle, range, { key, source, signal });
      return contentOfStream({ size, range, source, version }, stream, release);
    } catch (error) {
      await release();
      throw error;
    }
  } catch (error) {
    throw toStoreError(error, "read", source, key);
  }
}
