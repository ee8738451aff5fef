import { StoreError } from "@bitstore/core";
import type { CacheIndex, KeyedRow } from "./cache-index.ts";
import { diskFault, toStoreError } from "./disk-fault.ts";
import type { IndexFiles, OpenIndex } from "./index-files.ts";
import { movedError } from "./index-values.ts";
import type { OwnerSurvey } from "./owners.ts";

/** Keeps one index open, and a new one in its place where it is damaged or was replaced. */
export interface IndexGuard {
  /** Name of this process's claim; changes where the directory was cleared under it. */
  owner(): string;
  /** Names the index: the numbers of its rows mean nothing in another one. */
  epoch(): string;
  /** Whether a walk has to tell the index what is there. */
  hasUnseen(): boolean;
  /**
   * Looks a blob up at once, without a lock that anybody waits for. `unknown` where the index can't
   * say at the moment; the file itself can.
   */
  lookup(key: Uint8Array): KeyedRow | "absent" | "unknown";
  /** Reads; retried while the index is busy, and after it was made anew. */
  read<T>(operation: string, work: (index: CacheIndex) => T): Promise<T>;
  /** Runs a transaction; waits for those of others without holding up the event loop. */
  write<T>(operation: string, work: (index: CacheIndex) => T): Promise<T>;
  /** Tells the living owners from the dead. */
  survey(): Promise<OwnerSurvey>;
  close(): Promise<void>;
}

/** How often an index is replaced under one call before the call fails. */
const attemptsMax = 3;

/** Opens the index. `onReplaced` is called whenever another one has taken its place. */
export async function indexGuard(
  files: IndexFiles,
  source: string,
  onReplaced: () => void,
): Promise<IndexGuard> {
  let closed = false;
  let replacing: Promise<unknown> | undefined;
  let now: OpenIndex = await files.open();
  /** True is asked again at each miss, false is final: what a walk has seen stays seen. */
  let hasUnseen = now.index.totals().unseen > 0;

  async function replace(suspect: number | undefined): Promise<void> {
    now.index.close();
    now = await files.open(now.claim, suspect);
    hasUnseen = now.index.totals().unseen > 0;
    onReplaced();
  }

  /** Has the index replaced, once for all who ask meanwhile. */
  function replaceOnce(suspect?: number): Promise<unknown> {
    replacing ??= replace(suspect).finally(() => {
      replacing = undefined;
    });
    return replacing;
  }

  /** Does the work on the index as it is, or on a new one where it turns out to be spoilt. */
  async function guarded<T>(operation: string, work: (index: CacheIndex) => T): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      await replacing;
      if (closed) throw closedError(operation, source);
      const { index, inode } = now;
      try {
        return await files.retrying(operation, () => work(index));
      } catch (error) {
        if (!isIndexError(error)) throw error;
        const fault = diskFault(error);
        const spoilt = fault === "corrupt" || fault === "moved";
        if (!spoilt || closed || attempt >= attemptsMax) {
          throw toStoreError(error, { operation, subject: "index", source });
        }
        // Somebody else may have had it replaced while this call waited.
        if (index === now.index) await replaceOnce(fault === "corrupt" ? inode : undefined);
      }
    }
  }

  return {
    owner: () => now.claim.name,
    epoch: () => now.index.epoch,
    hasUnseen: () => hasUnseen,
    lookup(key) {
      if (replacing !== undefined || closed) return "unknown";
      const { index, inode } = now;
      try {
        const row = index.lookup(key);
        if (row !== undefined) return row;
        if (hasUnseen) hasUnseen = index.totals().unseen > 0;
        return hasUnseen ? "unknown" : "absent";
      } catch (error) {
        if (diskFault(error) === "corrupt") replaceOnce(inode).catch(() => undefined);
        return "unknown";
      }
    },
    read: guarded,
    write: (operation, work) =>
      guarded(operation, (index) => {
        // Who made another index has left this one to us alone: what is written here is lost.
        if (files.inode() !== now.inode) throw movedError();
        return index.transaction(() => work(index));
      }),
    survey: () => files.survey(now.claim.name),
    async close() {
      if (closed) return;
      closed = true;
      await replacing?.catch(() => undefined);
      now.index.syncAndClose();
      await now.claim.release();
    },
  };
}

/** Tells SQLite's errors, and that of a handle which is closed, from the file system's. */
function isIndexError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return "errcode" in error || ("code" in error && error.code === "ERR_INVALID_STATE");
}

/** Makes the error of a call after disposing. */
export function closedError(operation: string, source: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation,
    source,
    persistence: "permanent",
    message: "the cache was disposed; open it again",
  });
}
