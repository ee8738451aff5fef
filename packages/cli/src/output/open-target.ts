import { randomBytes } from "node:crypto";
import { type FileHandle, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { badUsage } from "../frame/hinted.ts";
import { systemCode, toStoreError } from "../frame/system-error.ts";
import type { Temporaries } from "../frame/temporaries.ts";

/** Where the bytes of one blob go. Disposing it before `commit` leaves nothing behind. */
export interface Target extends AsyncDisposable {
  /** Whether `restart` is possible: what a device has been given stays given. */
  readonly canRestart: boolean;
  write(chunk: Uint8Array): Promise<void>;
  /** Drops what was written so far. */
  restart(): Promise<void>;
  /** Makes the bytes durable and gives them the name. */
  commit(): Promise<void>;
}

/** Bytes of the longest name that file systems take. */
const nameBytesMax = 255;

/**
 * Opens a file to be written: aside, under `.NAME.RANDOM.tmp` in the same folder, so that the name
 * is given to the whole file or not at all. A link is followed; what is no file, such as a device or
 * a pipe, is written to as it is.
 *
 * Rejects as the system does, and with INVALID_ARGUMENT for a directory.
 */
export async function openTarget(path: string, temporaries: Temporaries): Promise<Target> {
  const found = await stat(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw toStoreError(error, "write", path);
  });
  if (found?.isDirectory() === true) {
    throw badUsage(`${path} is a directory`, "name the file to be written in it");
  }
  if (found !== undefined && !found.isFile()) return await openDevice(path);
  return await openAside(found === undefined ? path : await realpath(path), temporaries);
}

async function openDevice(path: string): Promise<Target> {
  const file = await attempt(path, () => open(path, "w"));
  return {
    canRestart: false,
    write: (chunk) => attempt(path, () => writeAll(file, chunk, null)),
    restart: () => Promise.reject(new RangeError("a device takes nothing back")),
    commit: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function openAside(path: string, temporaries: Temporaries): Promise<Target> {
  const aside = join(dirname(path), asideName(basename(path)));
  temporaries.add(aside);
  const file = await attempt(path, () => open(aside, "wx", 0o666));
  let at = 0;
  let isOpen = true;
  let isCommitted = false;
  const close = async (): Promise<void> => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    canRestart: true,
    async write(chunk) {
      await attempt(path, () => writeAll(file, chunk, at));
      at += chunk.byteLength;
    },
    async restart() {
      await attempt(path, () => file.truncate(0));
      at = 0;
    },
    async commit() {
      await attempt(path, async () => {
        await file.sync();
        await close();
        await rename(aside, path);
        isCommitted = true;
        temporaries.remove(aside);
        await syncFolder(dirname(path));
      });
    },
    async [Symbol.asyncDispose]() {
      await close();
      if (isCommitted) return;
      await unlink(aside).catch(() => undefined);
      temporaries.remove(aside);
    },
  };
}

/** Cuts a long name, between characters, so that what is put around it still fits. */
function asideName(name: string): string {
  const suffix = `.${randomBytes(6).toString("hex")}.tmp`;
  let stem = name;
  while (Buffer.byteLength(`.${stem}${suffix}`) > nameBytesMax) {
    stem = Array.from(stem).slice(0, -1).join("");
  }
  return `.${stem}${suffix}`;
}

/** Writes all of a chunk, which one call need not do. */
async function writeAll(file: FileHandle, chunk: Uint8Array, at: number | null): Promise<void> {
  let done = 0;
  while (done < chunk.byteLength) {
    const position = at === null ? null : at + done;
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, position);
    done += bytesWritten;
  }
}

/** Makes a rename durable; some file systems can't, and say so. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } catch (error) {
    if (systemCode(error) !== "EINVAL") throw error;
  } finally {
    await folder.close();
  }
}

async function attempt<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toStoreError(error, "write", path);
  }
}
