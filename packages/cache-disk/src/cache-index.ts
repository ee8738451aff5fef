import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { applicationId, connectionPragmas, schema, schemaVersion } from "./index-schema.ts";
import { bytesOf, damagedError, integerOf } from "./index-values.ts";
import { type HoldRows, holdRows } from "./index-holds.ts";
import { chargeOf } from "./limits.ts";
import type { SieveEntry } from "./sieve.ts";

/** One row of the queue. */
export interface EntryRow {
  /** Its place in the queue, and its identity: never used twice. */
  readonly seq: number;
  readonly size: number;
  readonly visited: boolean;
  /** Seconds since 1970 of the put, or of a hit that was noted. */
  readonly usedAt: number;
}

export interface KeyedRow extends EntryRow, SieveEntry {
  readonly key: Uint8Array;
}

export interface IndexTotals {
  /** Bytes that entries and holds count in the budget. */
  readonly bytes: number;
  readonly entries: number;
  /** Sum of the entries' own sizes. */
  readonly entryBytes: number;
  readonly sequence: number;
  readonly hand: number;
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** The share of the budget that files may take which a rebuild has not come to yet. */
  readonly unseen: number;
  /** Names this index: no other one, before or after, has the same. */
  readonly epoch: string;
}

/** Budgets, as the last process that opened the cache has set them for all. */
export interface IndexBudget {
  readonly bytesMax: number;
  readonly entriesMax: number;
}

/**
 * The rows of one index file. Everything is synchronous and takes microseconds; what changes rows
 * is called within `transaction`. Errors are SQLite's own, told apart by `diskFault`.
 */
export interface CacheIndex {
  readonly path: string;
  readonly epoch: string;
  readonly holds: HoldRows;
  lookup(key: Uint8Array): KeyedRow | undefined;
  totals(): IndexTotals;
  /** Rows with keys between both, exclusive, ascending by key. */
  byKey(above: Uint8Array, below: Uint8Array, limit: number): KeyedRow[];
  /** Rows of the queue after a place, oldest first. */
  queueAfter(seq: number, limit: number): KeyedRow[];
  /** Runs at once, alone among all processes, and as a whole or not at all. */
  transaction<T>(work: () => T): T;
  insertEntry(key: Uint8Array, size: number, usedAt: number, visited?: boolean): void;
  deleteEntry(seq: number): boolean;
  markVisited(seq: number, usedAt: number): void;
  clearVisited(from: number, to: number): void;
  setHand(seq: number): void;
  setUnseen(bytes: number): void;
  setBudget(budget: IndexBudget): void;
  counters(): ReadonlyMap<string, number>;
  addToCounter(name: string, delta: number): void;
  close(): void;
  /** Brings everything to the disk and closes: only then may a claim be released. */
  syncAndClose(): void;
}

/**
 * Opens an index file, or makes it. A new one counts all of the budget as taken by files that it
 * has not seen, until a walk has. Throws SQLite's "not a database" where it is no index of ours.
 */
export function openIndex(path: string, fresh: { budget: IndexBudget; epoch: string }): CacheIndex {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec(connectionPragmas);
    const version = pragma(database, "user_version");
    if (version === 0) createSchema(database, fresh.budget, fresh.epoch);
    else if (version !== schemaVersion || pragma(database, "application_id") !== applicationId) {
      throw damagedError("the schema of this release");
    }
    return indexOf(database, path);
  } catch (error) {
    database.close();
    throw error;
  }
}

function createSchema(database: DatabaseSync, budget: IndexBudget, epoch: string): void {
  database.exec("BEGIN IMMEDIATE");
  database.exec(schema);
  const { bytesMax, entriesMax } = budget;
  database
    .prepare("INSERT INTO totals VALUES (0, 0, 0, 0, 0, 0, ?, ?, ?, ?)")
    .run(bytesMax, entriesMax, bytesMax, epoch);
  database.exec(`PRAGMA application_id = ${applicationId}`);
  database.exec(`PRAGMA user_version = ${schemaVersion}`);
  database.exec("COMMIT");
}

function indexOf(database: DatabaseSync, path: string): CacheIndex {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  const columns = "seq, digest, size, visited, used_at";
  const begin = prepare("BEGIN IMMEDIATE");
  const commit = prepare("COMMIT");
  const rollback = prepare("ROLLBACK");
  const lookup = prepare("SELECT seq, size, visited, used_at FROM entries WHERE digest = ?");
  const totals = prepare("SELECT * FROM totals");
  const byKey = prepare(
    `SELECT ${columns} FROM entries WHERE digest > ? AND digest < ? ORDER BY digest LIMIT ?`,
  );
  const queue = prepare(`SELECT ${columns} FROM entries WHERE seq > ? ORDER BY seq LIMIT ?`);
  const insert = prepare("INSERT INTO entries SELECT sequence + 1, ?, ?, ?, ? FROM totals");
  const remove = prepare("DELETE FROM entries WHERE seq = ?");
  const mark = prepare("UPDATE entries SET visited = 1, used_at = ? WHERE seq = ?");
  const clear = prepare(
    "UPDATE entries SET visited = 0 WHERE seq > ? AND seq <= ? AND visited = 1",
  );
  const hand = prepare("UPDATE totals SET hand = ?");
  const unseen = prepare("UPDATE totals SET unseen = ?");
  const budget = prepare("UPDATE totals SET bytes_max = ?, entries_max = ?");
  const counters = prepare("SELECT name, value FROM counters");
  const count = prepare(
    "INSERT INTO counters VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
  );

  const readTotals = (): IndexTotals => {
    const row = totals.get() ?? {};
    return {
      bytes: integerOf(row["bytes"]),
      entries: integerOf(row["entries"]),
      entryBytes: integerOf(row["entry_bytes"]),
      sequence: integerOf(row["sequence"]),
      hand: integerOf(row["hand"]),
      bytesMax: integerOf(row["bytes_max"]),
      entriesMax: integerOf(row["entries_max"]),
      unseen: integerOf(row["unseen"]),
      epoch: String(row["epoch"]),
    };
  };

  return {
    path,
    epoch: readTotals().epoch,
    holds: holdRows(database),
    lookup(key) {
      const row = lookup.get(key);
      return row === undefined ? undefined : keyedRow(row, key);
    },
    totals: readTotals,
    byKey: (above, below, limit) =>
      byKey.all(above, below, limit).map((row) => keyedRow(row, bytesOf(row["digest"]))),
    queueAfter: (seq, limit) =>
      queue.all(seq, limit).map((row) => keyedRow(row, bytesOf(row["digest"]))),
    transaction(work) {
      begin.run();
      try {
        const result = work();
        commit.run();
        return result;
      } catch (error) {
        // A failed COMMIT or a full disk may have ended the transaction already.
        if (database.isTransaction) rollback.run();
        throw error;
      }
    },
    insertEntry(key, size, usedAt, visited = false) {
      insert.run(key, size, visited ? 1 : 0, usedAt);
    },
    deleteEntry: (seq) => remove.run(seq).changes === 1,
    markVisited: (seq, usedAt) => void mark.run(usedAt, seq),
    clearVisited: (from, to) => void clear.run(from, to),
    setHand: (seq) => void hand.run(seq),
    setUnseen: (bytes) => void unseen.run(bytes),
    setBudget: ({ bytesMax, entriesMax }) => void budget.run(bytesMax, entriesMax),
    counters: () =>
      new Map(counters.all().map((row) => [String(row["name"]), integerOf(row["value"])])),
    addToCounter: (name, delta) => void count.run(name, delta),
    close: () => database.close(),
    syncAndClose() {
      try {
        // SQLite syncs for us: opening the file by other means would drop its locks on it.
        database.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_checkpoint(PASSIVE)");
      } catch {
        // Full or failing: what is there is what the next one to open finds, or makes again.
      }
      if (database.isOpen) database.close();
    },
  };
}

function pragma(database: DatabaseSync, name: string): number {
  return integerOf(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function keyedRow(row: Record<string, SQLOutputValue>, key: Uint8Array): KeyedRow {
  const seq = integerOf(row["seq"]);
  const size = integerOf(row["size"]);
  return {
    seq,
    position: seq,
    key,
    size,
    bytes: chargeOf(size),
    visited: row["visited"] === 1,
    usedAt: integerOf(row["used_at"]),
  };
}
