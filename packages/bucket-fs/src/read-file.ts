import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { StoreError, throwIfAborted } from "@bitstore/core";
import { errnoOf, toStoreError } from "./to-store-error.ts";

/** Bytes of a chunk: large enough for the disk, small enough for a thousand readers. */
const chunkBytesMax = 256 * 1024;

/** A regular file that is open for reading. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

/** Opens a regular file; undefined where there is none. A link is refused (ELOOP). */
export async function openFile(path: string): Promise<OpenFile | undefined> {
  let handle: FileHandle;
  try {
    // Without O_NONBLOCK the open of a named pipe would wait for its writer.
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // ENXIO is a socket. None of these is an object.
    if (["ENOENT", "ENOTDIR", "ENXIO"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { handle, stats };
    await handle.close();
    return undefined;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** What a read is for its messages, and what stops it. */
export interface ReadContext {
  readonly key: string;
  readonly source: string;
  readonly signal: AbortSignal | undefined;
}

/** Yields a range of an open file; a file that was cut meanwhile is UNAVAILABLE, not an end. */
export async function* readRange(
  handle: FileHandle,
  range: { readonly start: number; readonly end: number },
  { key, source, signal }: ReadContext,
): AsyncGenerator<Uint8Array, void, void> {
  let at = range.start;
  while (at < range.end) {
    throwIfAborted(signal, "read", key);
    // Each chunk is a buffer of its own, because a chunk that was yielded is never rewritten.
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytesMax, range.end - at));
    const { bytesRead } = await readChunk(handle, chunk, at, key, source);
    if (bytesRead === 0) {
      throw new StoreError({
        code: "UNAVAILABLE",
        operation: "read",
        subject: key,
        source,
        message: `the file ended at ${at}, before ${range.end}: somebody has cut it`,
      });
    }
    at += bytesRead;
    yield bytesRead === chunk.byteLength ? chunk : chunk.subarray(0, bytesRead);
  }
}

async function readChunk(
  handle: FileHandle,
  chunk: Buffer,
  at: number,
  key: string,
  source: string,
): Promise<{ readonly bytesRead: number }> {
  try {
    return await handle.read(chunk, 0, chunk.byteLength, at);
  } catch (error) {
    throw toStoreError(error, "read", source, key);
  }
}
