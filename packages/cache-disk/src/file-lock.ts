import { DatabaseSync } from "node:sqlite";
import { diskFault } from "./disk-fault.ts";

/** A lock on a file, held until it is released or its process ends, however that ends. */
export interface FileLock {
  release(): void;
}

/**
 * Takes an exclusive lock on a file, which is made if absent; undefined where somebody holds it.
 * The lock is SQLite's own on an empty database: the one lock of the operating system that Node
 * reaches. The kernel drops it as the process dies, so that no clock and no process number has to
 * be trusted, not even where containers with their own process numbers share the directory.
 */
export function tryLock(path: string): FileLock | undefined {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Nothing is ever written, and in this mode no journal file stands beside it.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (diskFault(error) === "busy") return undefined;
    throw error;
  }
}
