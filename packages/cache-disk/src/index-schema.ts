import { blockBytes } from "./limits.ts";

/** Says that a file is an index of ours, "bsc1" in ASCII. */
export const applicationId = 0x62_73_63_31;

/** The schema that this release writes. An index of another one is derived again from the files. */
export const schemaVersion = 1;

/**
 * Pragmas of each connection. Nothing is synced: after a crash of the process all is there, and
 * after a crash of the machine the index is derived again from the files (see owners.ts), which
 * keeps fsync, that may take hundreds of milliseconds, off the event loop. A busy database is
 * answered at once and retried by the caller, for the same reason.
 */
export const connectionPragmas = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  PRAGMA busy_timeout = 0;
  PRAGMA cache_size = -16384;
  PRAGMA temp_store = MEMORY;
  PRAGMA wal_autocheckpoint = 512;
  PRAGMA journal_size_limit = 16777216;
`;

const charge = (row: string): string =>
  `((${row}.size + ${blockBytes - 1}) / ${blockBytes} * ${blockBytes})`;

/**
 * `entries` is the queue, oldest first by `seq`, which is never used twice. `holds` is everything
 * else that takes room: puts in flight, files that are on their way out, and the quarantine.
 * Triggers keep `totals.bytes` the sum of both, whoever changes them.
 */
export const schema: string = `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    size INTEGER NOT NULL,
    visited INTEGER NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX entries_by_digest ON entries (digest);

  CREATE TABLE holds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('put', 'leaving', 'quarantined')),
    digest BLOB,
    size INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    name TEXT
  ) STRICT;
  CREATE INDEX holds_by_digest ON holds (digest) WHERE digest IS NOT NULL;

  CREATE TABLE totals (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    bytes INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    entry_bytes INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    hand INTEGER NOT NULL,
    bytes_max INTEGER NOT NULL,
    entries_max INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    epoch TEXT NOT NULL
  ) STRICT;
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;

  CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET bytes = bytes + ${charge("NEW")}, entries = entries + 1,
      entry_bytes = entry_bytes + NEW.size, sequence = max(sequence, NEW.seq);
  END;
  CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET bytes = bytes - ${charge("OLD")}, entries = entries - 1,
      entry_bytes = entry_bytes - OLD.size;
  END;
  CREATE TRIGGER hold_added AFTER INSERT ON holds BEGIN
    UPDATE totals SET bytes = bytes + NEW.bytes;
  END;
  CREATE TRIGGER hold_removed AFTER DELETE ON holds BEGIN
    UPDATE totals SET bytes = bytes - OLD.bytes;
  END;
  CREATE TRIGGER hold_changed AFTER UPDATE OF bytes ON holds BEGIN
    UPDATE totals SET bytes = bytes + NEW.bytes - OLD.bytes;
  END;
`;
