import { randomUUID } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bytes, StoreError } from "@bitstore/core";

/**
 * A file without a name for bytes that are read once all were written. What is appended is copied at
 * once; one appends at a time. UNAVAILABLE where the temporary folder can't be used.
 */
export interface ScratchFile extends AsyncDisposable {
  /** Bytes that were appended. */
  readonly size: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Yields all of it, any number of times. */
  read(): Bytes;
}

/** Bytes that are collected before they are written; what is shorter is in memory alone. */
const blockBytesMax = 64 * 1024;
const blockBytesMin = 1024;

/** Makes a file that is gone with the process, made when the first block is full. */
export function scratchFile(): ScratchFile {
  let file: FileHandle | undefined;
  let block: Buffer = Buffer.alloc(0);
  let used = 0;
  let written = 0;
  let turn: Promise<void> = Promise.resolve();

  /** Makes room in the block: a larger one, and at the most the same again, once it was written. */
  async function makeRoom(): Promise<void> {
    if (used < blockBytesMax) {
      const larger = Buffer.allocUnsafe(Math.max(blockBytesMin, used * 2));
      block.copy(larger, 0, 0, used);
      block = larger;
      return;
    }
    file ??= await unnamedFile();
    await file.appendFile(block);
    written += used;
    used = 0;
  }
  return {
    get size() {
      return written + used;
    },
    async append(bytes) {
      for (let at = 0; at < bytes.byteLength; ) {
        if (used === block.byteLength) {
          turn = makeRoom().catch(failed);
          await turn;
        }
        const some = bytes.subarray(at, at + block.byteLength - used);
        block.set(some, used);
        used += some.byteLength;
        at += some.byteLength;
      }
    },
    async *read() {
      for (let at = 0; file !== undefined && at < written; ) {
        const chunk = Buffer.allocUnsafe(Math.min(blockBytesMax, written - at));
        const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, at).catch(failed);
        if (bytesRead === 0) failed(new Error("it is shorter than what was written"));
        at += bytesRead;
        yield chunk.subarray(0, bytesRead);
      }
      if (used > 0) yield block.subarray(0, used);
    },
    async [Symbol.asyncDispose]() {
      await turn.catch(() => undefined);
      await file?.close();
    },
  };
}

async function unnamedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `.bitstore-scratch-${process.pid}-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await rm(path);
  return file;
}

function failed(cause: unknown): never {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
  const message = `the temporary folder can't be used (${code}); free space there, or set TMPDIR`;
  throw new StoreError({
    code: "UNAVAILABLE",
    operation: "write",
    subject: "temporary file",
    message,
    cause,
  });
}
