import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { bytesOf, integerOf } from "./index-values.ts";

/**
 * Room that is taken by something else than an entry: a put in flight, a file that is on its way
 * out, or a file in quarantine. Its bytes count until it is dropped, which is after its file is
 * gone; so the budget is never exceeded, and who dies in between leaves a note of what to clear.
 */
export interface HoldRow {
  readonly id: number;
  /** The process that sees to it; see owners.ts. */
  readonly owner: string;
  readonly kind: HoldKind;
  /** The blob's key, where it is known yet. */
  readonly key: Uint8Array | undefined;
  readonly size: number;
  /** What it counts in the budget. */
  readonly bytes: number;
  /** Name of its file in `tmp` (a put) or `quarantine` (the others). */
  readonly name: string | undefined;
}

export type HoldKind = "put" | "leaving" | "quarantined";

export type NewHold = Omit<HoldRow, "id">;

export interface HoldRows {
  add(hold: NewHold): number;
  /** Tells whether there was one. */
  drop(id: number): boolean;
  get(id: number): HoldRow | undefined;
  setBytes(id: number, bytes: number): void;
  setKey(id: number, key: Uint8Array | undefined): void;
  setName(id: number, name: string): void;
  setKind(id: number, kind: HoldKind, owner: string): void;
  /** Tells whether the blob's file is on its way out, so that none may be put in its place. */
  isLeaving(key: Uint8Array): boolean;
  /** Holds of a kind, oldest first. */
  ofKind(kind: HoldKind): HoldRow[];
  countOfKind(kind: HoldKind): number;
}

export function holdRows(database: DatabaseSync): HoldRows {
  const add = database.prepare(
    "INSERT INTO holds (owner, kind, digest, size, bytes, name) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const drop = database.prepare("DELETE FROM holds WHERE id = ?");
  const get = database.prepare("SELECT * FROM holds WHERE id = ?");
  const setBytes = database.prepare("UPDATE holds SET bytes = ? WHERE id = ?");
  const setKey = database.prepare("UPDATE holds SET digest = ? WHERE id = ?");
  const setName = database.prepare("UPDATE holds SET name = ? WHERE id = ?");
  const setKind = database.prepare("UPDATE holds SET kind = ?, owner = ? WHERE id = ?");
  const leaving = database.prepare("SELECT 1 FROM holds WHERE digest = ? AND kind = 'leaving'");
  const ofKind = database.prepare("SELECT * FROM holds WHERE kind = ? ORDER BY id");
  const countOfKind = database.prepare("SELECT count(*) AS count FROM holds WHERE kind = ?");
  return {
    add({ owner, kind, key, size, bytes, name }) {
      return Number(add.run(owner, kind, key ?? null, size, bytes, name ?? null).lastInsertRowid);
    },
    drop: (id) => drop.run(id).changes === 1,
    get(id) {
      const row = get.get(id);
      return row === undefined ? undefined : holdRow(row);
    },
    setBytes: (id, bytes) => void setBytes.run(bytes, id),
    setKey: (id, key) => void setKey.run(key ?? null, id),
    setName: (id, name) => void setName.run(name, id),
    setKind: (id, kind, owner) => void setKind.run(kind, owner, id),
    isLeaving: (key) => leaving.get(key) !== undefined,
    ofKind: (kind) => ofKind.all(kind).map(holdRow),
    countOfKind: (kind) => integerOf(countOfKind.get(kind)?.["count"]),
  };
}

function holdRow(row: Record<string, SQLOutputValue>): HoldRow {
  const { name, digest } = row;
  return {
    id: integerOf(row["id"]),
    owner: String(row["owner"]),
    kind: row["kind"] === "put" || row["kind"] === "leaving" ? row["kind"] : "quarantined",
    key: digest === null ? undefined : bytesOf(digest),
    size: integerOf(row["size"]),
    bytes: integerOf(row["bytes"]),
    name: typeof name === "string" ? name : undefined,
  };
}
