import { type FileHandle, open, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bytes } from "@bitstore/core";

/** A file without a name for lines that are read once all were written. */
export interface ScratchFile extends AsyncDisposable {
  /** Bytes that were appended. */
  readonly size: number;
  append(text: string): Promise<void>;
  read(): Bytes;
}

/** Characters that are collected before they are written. */
const chunkChars = 64 * 1024;

/** Makes a file that is gone with the process, made when the first chunk is full. */
export function scratchFile(): ScratchFile {
  let file: FileHandle | undefined;
  let text = "";
  let size = 0;
  let turn: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const chunk = text;
    text = "";
    file ??= await unnamedFile();
    await file.appendFile(chunk);
  }
  return {
    get size() {
      return size;
    },
    async append(more) {
      text += more;
      size += Buffer.byteLength(more);
      if (text.length < chunkChars) return;
      turn = turn.then(write);
      await turn;
    },
    async *read() {
      await turn;
      if (file !== undefined) yield* file.createReadStream({ start: 0, autoClose: false });
      if (text !== "") yield Buffer.from(text);
    },
    async [Symbol.asyncDispose]() {
      await turn.catch(() => undefined);
      await file?.close();
    },
  };
}

async function unnamedFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `.bitstore-report-${process.pid}-${randomUUID()}`);
  const file = await open(path, "wx+", 0o600);
  await rm(path);
  return file;
}
