import { link, rename, unlink, utimes } from "node:fs/promises";
import { type Body, type PutOptions, type PutOutcome, throwIfAborted } from "@bitstore/core";
import { versionOf } from "./object-info.ts";
import { checkIsFile, conflict, type FsContext, lookAt, peekAt, placeOf } from "./place.ts";
import { temporaryFolder } from "./root.ts";
import { errnoOf, toStoreError } from "./to-store-error.ts";
import { writeTemporary } from "./write-temporary.ts";

/** Nanoseconds by which a file is later than the one that it replaces, at least. */
const laterNs = 2_000n;

/**
 * Puts an object: writes a temporary file, makes it durable, and gives it its name in one step, so
 * that no reader ever sees a part. A new name is given by link(2), which fails where it is taken;
 * an object is replaced by rename(2) under the key's lock, which every replacing put and every
 * delete holds, so `ifVersion` has one winner among all processes on the directory.
 */
export async function putObject(
  context: FsContext,
  key: string,
  body: Body,
  options: PutOptions,
): Promise<PutOutcome> {
  const { root, name: source, fsync, nowMs } = context;
  const { ifAbsent = false, ifVersion, size, signal } = options;
  const fail = (error: unknown): never => {
    throw toStoreError(error, "put", source, key);
  };
  await root.make().catch(fail);
  // Asking first spares the body where the answer is known already.
  if (ifAbsent || ifVersion !== undefined) {
    const there = await peekAt(root, placeOf(root, key)).catch(fail);
    if (ifAbsent && there !== undefined) return await existed(context, key).catch(fail);
    if (ifVersion !== undefined && (there === undefined || versionOf(there) !== ifVersion)) {
      throw conflict("put", key, source);
    }
  }
  const temporary = root.join([temporaryFolder, `put-${context.nonce()}`]);
  await writeTemporary(temporary, body, { key, source, signal, size, fsync, nowMs });
  try {
    throwIfAborted(signal, "put", key);
    return await publish(context, key, temporary, options);
  } catch (error) {
    return fail(error);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

/** Gives a temporary file the name of its key, durably. */
async function publish(
  context: FsContext,
  key: string,
  temporary: string,
  { ifAbsent = false, ifVersion, signal }: PutOptions,
): Promise<PutOutcome> {
  const { root } = context;
  const { parents, path } = placeOf(root, key);
  const directory = await root.makeDirectory(parents);
  if (ifVersion === undefined && (await linked(temporary, path))) {
    await root.sync(directory);
    return ifAbsent ? "created" : "replaced";
  }
  if (ifAbsent) return await existed(context, key);
  await context.lock().hold(key, {
    operation: "put",
    signal,
    body: temporary,
    finish: async (folder) => {
      const there = await lookAt(path);
      if (there !== undefined) checkIsFile(there);
      if (ifVersion !== undefined && (there === undefined || versionOf(there) !== ifVersion)) {
        throw conflict("put", key, context.name);
      }
      if (there !== undefined) await makeLater(`${folder}/body`, there.mtimeNs);
      await rename(`${folder}/body`, path);
    },
  });
  await root.sync(directory);
  return "replaced";
}

/**
 * Answers that the key is taken. The one who took it may not have made the name durable yet, and an
 * answer that a blob exists is an acknowledgement like any other.
 */
async function existed({ root }: FsContext, key: string): Promise<PutOutcome> {
  const { parents, path } = placeOf(root, key);
  const there = await lookAt(path);
  if (there !== undefined) checkIsFile(there);
  await root.sync(await root.makeDirectory(parents));
  return "existed";
}

/** Links a file to a name; resolves to false where the name is taken. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    return false;
  }
}

/** Makes a file's modification time later than another, so that its version is a new one. */
async function makeLater(path: string, thanNs: bigint): Promise<void> {
  const stats = await lookAt(path);
  if (stats === undefined || stats.mtimeNs > thanNs) return;
  // A double holds nanoseconds since 1970 to within 256, and the runtime rounds to microseconds.
  const seconds = Number(thanNs + laterNs) / 1e9;
  await utimes(path, seconds, seconds);
}
