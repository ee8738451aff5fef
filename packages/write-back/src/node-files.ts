import { constants } from "node:fs";
import { link, lstat, mkdir, open, readdir, unlink } from "node:fs/promises";
import type { FileFacts, FileLayer, OpenFile } from "./file-layer.ts";
import { tryLock } from "./try-lock.ts";

/** Only the journal's own user looks into it: blobs may be private. */
const folderMode = 0o700;
const fileMode = 0o600;

/** Never follows a symbolic link in the last place, and never waits for a writer of a pipe. */
const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The machine's own file system. */
export const nodeFiles: FileLayer = {
  async makeFolder(path) {
    try {
      await mkdir(path, { mode: folderMode });
    } catch (error) {
      const facts = await lstat(path).catch(() => undefined);
      if (facts?.isDirectory() !== true) throw error;
    }
  },
  listFolder: (path) => readdir(path),
  async syncFolder(path) {
    const handle = await open(path, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async create(path) {
    const handle = await open(path, "wx", fileMode);
    return {
      async append(chunks) {
        let left = chunks.filter((chunk) => chunk.byteLength > 0);
        while (left.length > 0) {
          // A write may take fewer bytes than it was given, and at most 1024 chunks.
          let { bytesWritten } = await handle.writev(left.slice(0, 1024));
          while (left[0] !== undefined && bytesWritten >= left[0].byteLength) {
            bytesWritten -= left[0].byteLength;
            left = left.slice(1);
          }
          if (left[0] !== undefined) left = [left[0].subarray(bytesWritten), ...left.slice(1)];
        }
      },
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  async openForRead(path): Promise<OpenFile> {
    const handle = await open(path, readFlags);
    try {
      const stats = await handle.stat();
      return {
        isFile: stats.isFile(),
        size: stats.size,
        modifiedMs: stats.mtimeMs,
        async read(into, at) {
          let done = 0;
          while (done < into.byteLength) {
            const length = Math.min(into.byteLength - done, 2 ** 30);
            const { bytesRead } = await handle.read(into, done, length, at + done);
            if (bytesRead === 0) break;
            done += bytesRead;
          }
          return done;
        },
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  },
  async facts(path): Promise<FileFacts> {
    const stats = await lstat(path);
    return { isFile: stats.isFile(), size: stats.size, modifiedMs: stats.mtimeMs };
  },
  link: (from, to) => link(from, to),
  unlink: (path) => unlink(path),
  tryLock,
};
