import { DatabaseSync } from "node:sqlite";
import type { FileLock } from "./file-layer.ts";

/** SQLite's result code for a file that somebody else has locked. */
const busy = 5;

/**
 * Takes an exclusive lock on a file, which is made if absent; undefined where somebody holds it. It
 * is SQLite's lock on an empty database, the one lock of the operating system that Node reaches: the
 * kernel drops it as the process dies, so no clock and no process number has to be trusted.
 */
export function tryLock(path: string): FileLock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // In this mode no second file stands beside it, and nothing is ever written to this one.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
    if (typeof code === "number" && (code & 0xff) === busy) return undefined;
    throw error;
  }
}
