import { randomUUID } from "node:crypto";
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { type FileHandle, lstat, mkdir, open, rename, rm } from "node:fs/promises";
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
import type { NameOf } from "./name-template.ts";
import type { Sink } from "./sink.ts";

/** Up to this size a file is written by calls that block: faster than a round through the pool. */
const blockingBytesMax = 256 * 1024;
const own = ".bitstore-fetch";

/**
 * Delivers blobs as files of a directory. A file is written aside, in the dot-folder that the
 * command keeps there, and renamed when it is whole, so a name always holds its blob. What is there
 * already is trusted where the journal knows its size, time and inode, and hashed where it does not.
 * Nothing is written through a symbolic link, and nothing outside of the directory.
 */
export async function directorySink(directory: string, nameOf: NameOf): Promise<Sink> {
  const aside = join(directory, own, "aside");
  const folders = new Set<string>();
  let journal: Journal;
  try {
    await mkdir(directory, { recursive: true });
    await realFolder(join(directory, own));
    await refuseLink(join(directory, own, "journal.sqlite"));
    // What an earlier run left half-written; the journal's lock keeps a second run out.
    journal = openJournal(join(directory, own, "journal.sqlite"));
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside);
  } catch (error) {
    throw writeError(error, directory);
  }

  /** Makes the folders of a name, refusing to go through a symbolic link. */
  async function makeFolders(name: string): Promise<void> {
    const folder = dirname(name);
    if (folder === "." || folders.has(folder)) return;
    await makeFolders(folder);
    await realFolder(join(directory, folder));
    folders.add(folder);
  }

  async function present(digest: Digest): Promise<number | undefined> {
    const path = join(directory, nameOf(digest));
    try {
      const found = await lstat(path, { bigint: true });
      if (!found.isFile()) return undefined;
      await makeFolders(nameOf(digest));
      const stamp = { size: Number(found.size), mtimeNs: found.mtimeNs, ino: found.ino };
      if (isSame(journal.stampOf(digest), stamp)) return stamp.size;
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
      const bytes = createReadStream(path, { flags: flags as unknown as string });
      if ((await digestOf(bytes, algorithmOf(digest))) !== digest) return undefined;
      journal.stamp(digest, stamp);
      return stamp.size;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw writeError(error, path);
    }
  }

  async function deliver(content: Content, digest: Digest): Promise<number> {
    const name = nameOf(digest);
    const path = join(directory, name);
    const temporary = join(aside, randomUUID());
    try {
      await makeFolders(name);
      const small = content.size !== undefined && content.size <= blockingBytesMax;
      const stamp = small
        ? writeSmall(temporary, path, await content.bytes())
        : await writeLarge(temporary, path, content);
      journal.stamp(digest, stamp);
      return stamp.size;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw writeError(error, path);
    }
  }

  return {
    seen: journal,
    present,
    deliver,
    finish: () => Promise.resolve(journal.commit()),
    async [Symbol.asyncDispose]() {
      journal[Symbol.dispose]();
      await rm(aside, { recursive: true, force: true });
    },
  };
}

async function refuseLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "fetch",
    subject: path,
    message: "it is no file of its own; nothing is written through it",
  });
}

async function realFolder(path: string): Promise<void> {
  await mkdir(path).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
  if ((await lstat(path)).isDirectory()) return;
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "fetch",
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

function writeError(error: unknown, path: string): unknown {
  if (isStoreError(error) || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  const message =
    code === "ENOSPC" || code === "EDQUOT"
      ? "the disk is full; free space and run the same command again, it goes on where it stopped"
      : `it can't be written (${code})`;
  if (code === "EEXIST" || code === "ENOTDIR") {
    return new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "fetch",
      subject: path,
      message: "a file is in the way; name a directory, or FILE.tar",
      cause: error,
    });
  }
  const denied = code === "EACCES" || code === "EPERM" || code === "EROFS";
  return new StoreError({
    code: denied ? "PERMISSION_DENIED" : "UNAVAILABLE",
    operation: "fetch",
    subject: path,
    message,
    persistence: "permanent",
    cause: error,
  });
}
