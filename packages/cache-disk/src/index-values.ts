import type { SQLOutputValue } from "node:sqlite";

/** Takes a column that must be an integer; what else is there means that the file is damaged. */
export function integerOf(value: SQLOutputValue | undefined): number {
  if (typeof value === "number") return value;
  throw damagedError("an integer");
}

/** Takes a column that must be bytes. */
export function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw damagedError("bytes");
}

/** Makes an error like SQLite's own, with its result code: SQLITE_NOTADB. */
export function damagedError(what: string): Error {
  return Object.assign(new Error(`the index lacks ${what}`), { errcode: 26 });
}

/** SQLITE_CANTOPEN: what is there is not what was opened. */
export function movedError(): Error {
  return Object.assign(new Error("the index was replaced"), { errcode: 14 });
}

/** SQLITE_BUSY. */
export function busyError(): Error {
  return Object.assign(new Error("somebody holds the lock"), { errcode: 5 });
}
