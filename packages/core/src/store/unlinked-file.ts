import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StoreError } from "../errors.ts";

/**
 * Opens a temporary file that has no name any more, so that it goes with the process, however that
 * ends. Rejects with UNAVAILABLE where the folder can't be written.
 */
export async function unlinkedFile(directory: string = tmpdir()): Promise<FileHandle> {
  const path = join(directory, `.bitstore-${process.pid}-${randomUUID()}`);
  try {
    const handle = await open(path, "wx+", 0o600);
    await unlink(path);
    return handle;
  } catch (cause) {
    throw fileError("open", cause);
  }
}

/** Writes a whole chunk at a position; a full disk is UNAVAILABLE and says so. */
export async function writeAt(handle: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  let done = 0;
  try {
    while (done < chunk.byteLength) {
      const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, at + done);
      done += bytesWritten;
    }
  } catch (cause) {
    throw fileError("write", cause);
  }
}

function fileError(operation: string, cause: unknown): StoreError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new StoreError({
    code: "UNAVAILABLE",
    operation,
    subject: "temporary file",
    message: full
      ? "the disk of the temporary folder is full; free space or set TMPDIR"
      : `the temporary folder can't be used (${code}); set TMPDIR`,
    cause,
  });
}
