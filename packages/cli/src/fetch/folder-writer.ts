import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { copyFile, type FileHandle, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  algorithmOf,
  type Content,
  type Digest,
  digestOf,
  isStoreError,
  StoreError,
} from "@bitstore/core";
import { type FileStamp, type Journal, openJournal } from "./journal.ts";

/** Up to this size a file is written by calls that block: faster than a round through the pool. */
const blockingBytesMax = 256 * 1024;

/** Name of the dot-folder that a command keeps for itself in a directory that it writes to. */
export const ownFolder = ".bitstore-fetch";

/** A file that is to hold a blob. */
export interface FilePlace {
  /** Relative to the directory, with `/` between folders. */
  readonly name: string;
  readonly digest: Digest;
  /** What the journal knows it by. */
  readonly key: string;
}

/**
 * Writes blobs as files of a directory. A file is written aside, in a dot-folder of the directory,
 * and renamed when it is whole, so a name always holds its blob. What is there already is trusted
 * where the journal knows its size, time and inode, and hashed where it does not. Nothing is written
 * through a symbolic link, and nothing outside of the directory.
 */
export interface FolderWriter extends AsyncDisposable {
  readonly journal: Journal;
  /** Resolves to the size of the file where it is there and holds the blob. */
  present(place: FilePlace): Promise<number | undefined>;
  /**
   * Makes the folders of a name. Rejects with INVALID_ARGUMENT where something that is no file is in
   * the way of it, or of them no folder, such as a symbolic link.
   */
  clear(place: FilePlace): Promise<void>;
  /** Writes a blob, and resolves to its size; a file of the name is replaced. */
  write(place: FilePlace, content: Content): Promise<number>;
  /** Writes a blob that another file of the directory holds. */
  copy(from: FilePlace, to: FilePlace): Promise<number>;
  /** Removes the dot-folder once the writer is closed. */
  leaveNothing(): void;
}

/** Opens a directory, which is made if need be. One command at a time writes to it. */
export async function openFolder(directory: string, operation: string): Promise<FolderWriter> {
  const own = join(directory, ownFolder);
  const aside = join(own, "aside");
  const folders = new Set<string>();
  let isKept = true;
  const failed = (error: unknown, path: string): unknown => writeError(error, path, operation);
  let journal: Journal;
  try {
    await mkdir(directory, { recursive: true });
    await realFolder(own, operation);
    await refuseLink(join(own, "journal.sqlite"), operation);
    // What an earlier run left half-written; the journal's lock keeps a second run out.
    journal = openJournal(join(own, "journal.sqlite"));
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside);
  } catch (error) {
    throw failed(error, directory);
  }

  /** Makes the folders of a name, refusing to go through a symbolic link. */
  async function makeFolders(name: string): Promise<void> {
    const folder = dirname(name);
    if (folder === "." || folders.has(folder)) return;
    await makeFolders(folder);
    await realFolder(join(directory, folder), operation);
    folders.add(folder);
  }

  async function present({ name, digest, key }: FilePlace): Promise<number | undefined> {
    const path = join(directory, name);
    try {
      const found = await lstat(path, { bigint: true });
      if (!found.isFile()) return undefined;
      await makeFolders(name);
      const stamp = stampOf(found);
      if (isSame(journal.stampOf(key), stamp)) return stamp.size;
      if ((await hashOf(path, digest)) !== digest) return undefined;
      journal.stamp(key, stamp);
      return stamp.size;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw failed(error, path);
    }
  }

  async function clear({ name }: FilePlace): Promise<void> {
    const path = join(directory, name);
    try {
      await makeFolders(name);
      const found = await lstat(path).catch(() => undefined);
      if (found !== undefined && !found.isFile()) throw inTheWay(path, found, operation);
    } catch (error) {
      throw failed(error, path);
    }
  }

  async function place(
    { name, key }: FilePlace,
    make: (temporary: string, path: string) => FileStamp | Promise<FileStamp>,
  ): Promise<number> {
    const path = join(directory, name);
    const temporary = join(aside, randomUUID());
    try {
      await makeFolders(name);
      const stamp = await make(temporary, path);
      journal.stamp(key, stamp);
      return stamp.size;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw failed(error, path);
    }
  }

  return {
    journal,
    present,
    clear,
    write: (to, content) =>
      place(to, async (temporary, path) => {
        const small = content.size !== undefined && content.size <= blockingBytesMax;
        if (small) return writeSmall(temporary, path, await content.bytes());
        return await writeLarge(temporary, path, content);
      }),
    copy: (from, to) =>
      place(to, async (temporary, path) => {
        const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
        await copyFile(join(directory, from.name), temporary, flags);
        if ((await hashOf(temporary, to.digest)) !== to.digest) throw changed(from, operation);
        const stamp = stampOf(await lstat(temporary, { bigint: true }));
        await rename(temporary, path);
        return stamp;
      }),
    leaveNothing() {
      isKept = false;
    },
    async [Symbol.asyncDispose]() {
      journal[Symbol.dispose]();
      await rm(isKept ? aside : own, { recursive: true, force: true });
    },
  };
}

async function hashOf(path: string, digest: Digest): Promise<Digest> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
  const bytes = createReadStream(path, { flags: flags as unknown as string });
  return await digestOf(bytes, algorithmOf(digest));
}

function inTheWay(subject: string, found: Stats, operation: string): StoreError {
  const kind = found.isSymbolicLink() ? "a symbolic link" : "something that is no file";
  const message = `${kind} is in the way, and is left as it is`;
  return new StoreError({ code: "INVALID_ARGUMENT", operation, subject, message });
}

function changed({ name }: FilePlace, operation: string): StoreError {
  const message = "the file changed while it was copied";
  return new StoreError({ code: "DIGEST_MISMATCH", operation, subject: name, message });
}

async function refuseLink(path: string, operation: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation,
    subject: path,
    message: "it is no file of its own; nothing is written through it",
  });
}

async function realFolder(path: string, operation: string): Promise<void> {
  await mkdir(path).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
  if ((await lstat(path)).isDirectory()) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation,
    subject: path,
    message:
      "it is no folder of its own (a symbolic link or a file); nothing is written through it",
  });
}

function writeSmall(temporary: string, path: string, bytes: Uint8Array): FileStamp {
  const file = openSync(temporary, "wx", 0o644);
  let stamp: FileStamp;
  try {
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at);
    stamp = stampOf(fstatSync(file, { bigint: true }));
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  return stamp;
}

async function writeLarge(temporary: string, path: string, content: Content): Promise<FileStamp> {
  let file: FileHandle | undefined;
  let stamp: FileStamp;
  try {
    file = await open(temporary, "wx", 0o644);
    for await (const chunk of content.body) await writeWhole(file, chunk);
    stamp = stampOf(await file.stat({ bigint: true }));
  } finally {
    await file?.close();
  }
  await rename(temporary, path);
  return stamp;
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength; ) {
    at += (await file.write(chunk, at)).bytesWritten;
  }
}

function stampOf(stat: { size: bigint; mtimeNs: bigint; ino: bigint }): FileStamp {
  return { size: Number(stat.size), mtimeNs: stat.mtimeNs, ino: stat.ino };
}

function isSame(known: FileStamp | undefined, now: FileStamp): boolean {
  return (
    known !== undefined &&
    known.size === now.size &&
    known.mtimeNs === now.mtimeNs &&
    known.ino === now.ino
  );
}

function writeError(error: unknown, path: string, operation: string): unknown {
  if (isStoreError(error) || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  const message =
    code === "ENOSPC" || code === "EDQUOT"
      ? "the disk is full; free space and run the same command again, it goes on where it stopped"
      : `it can't be written (${code})`;
  if (code === "EEXIST" || code === "ENOTDIR") {
    return new StoreError({
      code: "INVALID_ARGUMENT",
      operation,
      subject: path,
      message: `a file is in the way; name a directory${operation === "fetch" ? ", or FILE.tar" : ""}`,
      cause: error,
    });
  }
  const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
  return new StoreError({
    code: denied ? "PERMISSION_DENIED" : "UNAVAILABLE",
    operation,
    subject: path,
    message,
    persistence: "permanent",
    cause: error,
  });
}
