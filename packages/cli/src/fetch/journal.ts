import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type DigestSet, StoreError } from "@bitstore/core";
import { bootId } from "./boot-id.ts";

/** What a file was when it was last known to hold its blob. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
}

/**
 * Remembers, in a file, what was delivered by earlier runs and what was seen in this one, so that a
 * run of any length needs the same memory. What is written is committed in batches: a kill loses the
 * last of them, and the files of it are hashed again by the next run. Neither it nor the files are
 * synced, so what it knows holds until the machine stops: after that every file is hashed again.
 */
export interface Journal extends DigestSet, Disposable {
  /** Keys are what the file is to hold and be: a digest, and its name where that says more. */
  stampOf(key: string): FileStamp | undefined;
  stamp(key: string, stamp: FileStamp): void;
  commit(): void;
}

const commitEvery = 500;
const formatVersion = 1;

/** Opens a journal; with no path, one that is gone when it is closed. */
export function openJournal(path = "", boot: string = bootId()): Journal {
  const db = openDatabase(path, boot);
  const seen = db.prepare("INSERT OR IGNORE INTO seen (digest) VALUES (?)");
  const find = db.prepare("SELECT size, mtime_ns, ino FROM files WHERE digest = ?");
  find.setReadBigInts(true);
  const store = db.prepare(
    "INSERT OR REPLACE INTO files (digest, size, mtime_ns, ino) VALUES (?, ?, ?, ?)",
  );
  let size = 0;
  let pending = 0;
  const wrote = (): void => {
    pending += 1;
    if (pending >= commitEvery) commit();
  };
  const commit = (): void => {
    pending = 0;
    db.exec("COMMIT; BEGIN");
  };
  db.exec("BEGIN");
  return {
    get size() {
      return size;
    },
    add(digest) {
      const added = seen.run(digest).changes === 1;
      if (added) size += 1;
      wrote();
      return added;
    },
    stampOf(key) {
      const row = find.get(key);
      if (row === undefined) return undefined;
      return {
        size: Number(row["size"]),
        mtimeNs: asBigInt(row["mtime_ns"]),
        ino: asBigInt(row["ino"]),
      };
    },
    stamp(key, { size: bytes, mtimeNs, ino }) {
      store.run(key, bytes, mtimeNs, ino);
      wrote();
    },
    commit,
    [Symbol.dispose]() {
      db.exec("COMMIT");
      db.close();
    },
  };
}

/** Opens the file, or begins another where a loss of power has left it unreadable. */
function openDatabase(path: string, boot: string): DatabaseSync {
  try {
    return prepared(path, boot);
  } catch (error) {
    if (path === "" || !isBroken(error)) throw unusable(path, error);
  }
  try {
    for (const ending of ["", "-wal", "-shm"]) rmSync(path + ending, { force: true });
    return prepared(path, boot);
  } catch (error) {
    throw unusable(path, error);
  }
}

function prepared(path: string, boot: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
    const version = db.prepare("PRAGMA user_version").get()?.["user_version"];
    if (version !== 0 && version !== formatVersion) {
      throw new Error(`its format ${String(version)} is not ${formatVersion}`);
    }
    // What this run has seen goes to a temporary file, and is gone with it.
    db.exec(`
      PRAGMA user_version = ${formatVersion};
      CREATE TABLE IF NOT EXISTS files (
        digest TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ino INTEGER
      ) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS boot (id TEXT PRIMARY KEY) WITHOUT ROWID;
      PRAGMA temp_store = FILE;
      CREATE TEMP TABLE seen (digest TEXT PRIMARY KEY) WITHOUT ROWID;
    `);
    if (db.prepare("SELECT id FROM boot").get()?.["id"] !== boot) {
      db.exec("BEGIN; DELETE FROM files; DELETE FROM boot");
      db.prepare("INSERT INTO boot (id) VALUES (?)").run(boot);
      db.exec("COMMIT");
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLite's own numbers for a file that is damaged, and for one that is no database. */
const brokenCodes: ReadonlySet<unknown> = new Set([11, 26]);

function isBroken(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && brokenCodes.has(error.errcode);
}

function unusable(path: string, cause: unknown): StoreError {
  const locked = cause instanceof Error && /locked|busy/i.test(cause.message);
  return new StoreError({
    code: locked ? "UNAVAILABLE" : "INTERNAL",
    operation: "open",
    subject: path === "" ? "temporary journal" : path,
    message: locked
      ? "another fetch is writing into this directory; wait for it to end"
      : "the journal can't be used; delete it, and what is there is hashed again",
    cause,
  });
}

function asBigInt(value: unknown): bigint {
  return typeof value === "bigint" ? value : 0n;
}
