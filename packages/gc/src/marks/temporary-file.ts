import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { StoreError } from "@bitstore/core";

/** A file without a name, which goes with the process however that ends. */
export interface TemporaryFile {
  write(bytes: Uint8Array, at: number): void;
  read(start: number, end: number): Buffer;
  close(): void;
}

/** Opens one. Everything rejects with UNAVAILABLE where the folder can't be used or its disk is full. */
export function temporaryFile(directory: string): TemporaryFile {
  const path = join(directory, `.bitstore-gc-${process.pid}-${randomUUID()}`);
  const file = guarded("open", () => {
    const opened = openSync(path, "wx+", 0o600);
    unlinkSync(path);
    return opened;
  });
  return {
    write(bytes, at) {
      guarded("write", () => {
        for (let done = 0; done < bytes.byteLength; ) {
          done += writeSync(file, bytes, done, bytes.byteLength - done, at + done);
        }
      });
    },
    read(start, end) {
      const bytes = Buffer.alloc(end - start);
      guarded("read", () => {
        for (let done = 0; done < bytes.byteLength; ) {
          const got = readSync(file, bytes, done, bytes.byteLength - done, start + done);
          if (got === 0) throw new Error("the file is shorter than what was written");
          done += got;
        }
      });
      return bytes;
    },
    close: () => closeSync(file),
  };
}

function guarded<T>(operation: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    throw new StoreError({
      code: "UNAVAILABLE",
      operation,
      subject: "temporary file",
      persistence: "exhausted",
      message: `the folder for temporary files can't be used (${code}); set TMPDIR to another`,
      cause,
    });
  }
}
