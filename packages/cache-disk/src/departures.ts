import { lstat, rm, unlink } from "node:fs/promises";
import type { CacheFolder } from "./cache-folder.ts";
import type { CacheIndex, KeyedRow } from "./cache-index.ts";
import { digestOfKey } from "./digest-key.ts";
import { diskFault, toStoreError } from "./disk-fault.ts";
import { chargeOf } from "./limits.ts";
import type { HoldRow } from "./index-holds.ts";
import type { IndexGuard } from "./index-guard.ts";

/** A file on its way out: no row names it any more, and its bytes count until it is gone. */
export interface Departure {
  readonly id: number;
  readonly epoch: string;
  readonly key: Uint8Array | undefined;
  readonly size: number;
  /** Name in the quarantine, where the file may stand instead. */
  readonly name: string | undefined;
}

/** Takes entries out: row first, then file, then the bytes are given back. */
export interface Departures {
  /** Turns rows into departures, in a transaction. */
  begin(index: CacheIndex, rows: readonly KeyedRow[]): Departure[];
  /** Makes a departure of a file that no walk has seen yet, in a transaction. */
  beginUnseen(index: CacheIndex, key: Uint8Array, size: number): Departure;
  /** Turns a quarantined file into a departure, in a transaction. */
  expel(index: CacheIndex, hold: HoldRow): Departure;
  /** Takes over the departure of a process that died over it, in a transaction. */
  adopt(index: CacheIndex, hold: HoldRow): Departure;
  /**
   * Removes the files; resolves to how many were there. Where the system refuses, the entries come
   * back and the call rejects with PERMISSION_DENIED or UNAVAILABLE.
   */
  remove(departures: readonly Departure[], operation: string): Promise<number>;
  /** Has something done to the index, if it is that one still, before whatever is done next. */
  defer(epoch: string, chore: (index: CacheIndex) => void): void;
  /** Runs a transaction that first does what was deferred. */
  write<T>(operation: string, work: (index: CacheIndex) => T): Promise<T>;
  /** Does now what was deferred. */
  settle(operation: string): Promise<void>;
}

interface Chore {
  readonly epoch: string;
  readonly run: (index: CacheIndex) => void;
}

export function departures(guard: IndexGuard, folder: CacheFolder, source: string): Departures {
  const deferred = new Set<Chore>();

  async function write<T>(operation: string, work: (index: CacheIndex) => T): Promise<T> {
    const due = [...deferred];
    const result = await guard.write(operation, (index) => {
      for (const { epoch, run } of due) if (epoch === index.epoch) run(index);
      return work(index);
    });
    for (const chore of due) deferred.delete(chore);
    return result;
  }

  function defer(epoch: string, run: (index: CacheIndex) => void): void {
    deferred.add({ epoch, run });
  }

  async function removeFile(departure: Departure): Promise<boolean> {
    const { key, name } = departure;
    const digest = key === undefined ? undefined : digestOfKey(key);
    if (name !== undefined) await rm(folder.quarantinePath(name), { force: true, recursive: true });
    if (digest === undefined) return name !== undefined;
    const path = folder.blobPath(digest);
    try {
      await unlink(path);
      return true;
    } catch (error) {
      if (diskFault(error) === "absent") return false;
      // Somebody has put a folder there, which unlink refuses with EISDIR or EPERM.
      if ((await lstat(path)).isDirectory()) await rm(path, { recursive: true });
      else throw error;
      return true;
    }
  }

  /** Makes entries of what could not be removed, lest the budget forget it. */
  async function restore(stuck: readonly Departure[], operation: string): Promise<void> {
    await write(operation, (index) => {
      for (const { id, epoch, key, size } of stuck) {
        if (epoch !== index.epoch || key === undefined) continue;
        if (index.holds.drop(id)) index.insertEntry(key, size, 0);
      }
    });
  }

  return {
    begin(index, rows) {
      const begun: Departure[] = [];
      for (const { seq, key, size, bytes } of rows) {
        if (!index.deleteEntry(seq)) continue;
        const hold = { owner: guard.owner(), kind: "leaving", key, size, bytes } as const;
        const id = index.holds.add({ ...hold, name: undefined });
        begun.push({ id, epoch: index.epoch, key, size, name: undefined });
      }
      return begun;
    },
    beginUnseen(index, key, size) {
      const bytes = chargeOf(size);
      const hold = { owner: guard.owner(), kind: "leaving", key, size, bytes } as const;
      const id = index.holds.add({ ...hold, name: undefined });
      index.setUnseen(Math.max(0, index.totals().unseen - bytes));
      return { id, epoch: index.epoch, key, size, name: undefined };
    },
    expel(index, { id, size, name }) {
      // Without its key, since a good copy may stand under the blob's name by now.
      index.holds.setKey(id, undefined);
      index.holds.setKind(id, "leaving", guard.owner());
      return { id, epoch: index.epoch, key: undefined, size, name };
    },
    adopt(index, { id, key, size, name }) {
      index.holds.setKind(id, "leaving", guard.owner());
      return { id, epoch: index.epoch, key, size, name };
    },
    async remove(leaving, operation) {
      let removed = 0;
      let failure: unknown;
      const stuck: Departure[] = [];
      await Promise.all(
        leaving.map(async (departure) => {
          try {
            if (await removeFile(departure)) removed += 1;
            // Its bytes are free now, and only now.
            defer(departure.epoch, (index) => void index.holds.drop(departure.id));
          } catch (error) {
            failure = error;
            stuck.push(departure);
          }
        }),
      );
      if (stuck.length === 0) return removed;
      await restore(stuck, operation);
      throw toStoreError(failure, { operation, source });
    },
    defer,
    write,
    async settle(operation) {
      if (deferred.size > 0) await write(operation, () => undefined);
    },
  };
}
