import { createHash } from "node:crypto";
import { link, mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { type Clock, StoreError, sleep, throwIfAborted } from "@bitstore/core";
import { errnoOf } from "./to-store-error.ts";

/**
 * Excludes the writers of one key from each other, over all processes on a directory, and fences
 * off those that were taken for dead.
 *
 * A lock is a directory named after the key. Its holder prepares it elsewhere, with a folder of a
 * random name in it, and renames it into place: rename(2) replaces an empty directory and fails on
 * any other, so one holder wins. What the holder does in the end is a rename out of, or into, the
 * folder of its random name. A lock that another process has held for `lockStaleMs` is renamed
 * away; its holder, if it was asleep and not dead, has lost that folder and can't finish. So a
 * wrong suspicion costs a repetition and never an update. No clocks are compared: each waiter times
 * by its own clock how long it sees the same holder.
 */
export interface KeyLock {
  /** Runs `finish` with the folder that is ours for as long as the lock is. */
  hold<T>(key: string, options: HoldOptions<T>): Promise<T>;
}

export interface HoldOptions<T> {
  /** The verb that needs it, for messages. */
  readonly operation: string;
  readonly signal: AbortSignal | undefined;
  /** A file that is linked into the folder as `body`. */
  readonly body?: string | undefined;
  readonly finish: (folder: string) => Promise<T>;
}

export interface KeyLockOptions {
  /** Directory of temporary files, on the same file system as the objects. */
  readonly directory: string;
  readonly source: string;
  readonly clock: Clock;
  readonly nonce: () => string;
  /** Milliseconds for which one holder is waited for; a holder needs a few. */
  readonly lockStaleMs: number;
}

/** Milliseconds between two tries to get a lock, at first and at last. */
const pollMs = { first: 1, last: 20 };
/** What rename(2) says of a target that is a directory with something in it. */
const occupied: readonly string[] = ["ENOTEMPTY", "EEXIST"];
/** How often a holder begins anew whose lock was taken from it. */
const attemptsMax = 10;

export function keyLock(options: KeyLockOptions): KeyLock {
  const { directory, source, clock, nonce, lockStaleMs } = options;
  const pathOf = (key: string): string =>
    `${directory}/lock-${createHash("sha256").update(key).digest("hex")}`;

  /** Prepares a lock with the folder of a holder in it. */
  async function prepare(prepared: string, id: string, body: string | undefined): Promise<void> {
    await mkdir(prepared);
    await mkdir(`${prepared}/${id}`);
    if (body !== undefined) await link(body, `${prepared}/${id}/body`);
  }

  async function acquire(
    lock: string,
    prepared: string,
    operation: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let holder: string | undefined;
    let since = clock.now();
    for (let delayMs = pollMs.first; ; delayMs = Math.min(delayMs * 2, pollMs.last)) {
      throwIfAborted(signal, operation);
      if (await renamed(prepared, lock, occupied)) return;
      const seen = await holderOf(lock);
      if (seen === undefined || seen !== holder) {
        holder = seen;
        since = clock.now();
      } else if (clock.now() - since > lockStaleMs) {
        await discard(lock);
        continue;
      }
      // An abort ends the wait, and is thrown at the top.
      await sleep(clock, delayMs, signal).catch(() => undefined);
    }
  }

  /** Moves a directory out of the way in one step, then deletes it. */
  async function discard(path: string): Promise<void> {
    const dead = `${directory}/dead-${nonce()}`;
    if (await renamed(path, dead, ["ENOENT"])) await rm(dead, { recursive: true, force: true });
  }

  return {
    async hold(key, { operation, signal, body, finish }) {
      const lock = pathOf(key);
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const id = nonce();
        const prepared = `${directory}/new-${id}`;
        try {
          await prepare(prepared, id, body);
          await acquire(lock, prepared, operation, signal);
        } catch (error) {
          await rm(prepared, { recursive: true, force: true }).catch(() => undefined);
          throw error;
        }
        const folder = `${lock}/${id}`;
        try {
          return await finish(folder);
        } catch (error) {
          // Whether the lock was lost is looked at, because `finish` may meet ENOENT elsewhere.
          if (errnoOf(error) !== "ENOENT" || (await holderOf(lock)) === id) throw error;
        } finally {
          await release(lock, id);
        }
      }
      throw new StoreError({
        code: "UNAVAILABLE",
        operation,
        subject: key,
        source,
        message: `the lock of the key was lost ${attemptsMax} times; the disk may be very slow`,
      });
    },
  };
}

/** Gives a lock back, if it is still ours: the folder is, and the directory only once empty. */
async function release(lock: string, id: string): Promise<void> {
  await rm(`${lock}/${id}`, { recursive: true, force: true });
  await rmdir(lock).catch(() => undefined);
}

/** Name of the folder of who holds a lock; undefined where nobody does. */
async function holderOf(lock: string): Promise<string | undefined> {
  try {
    return (await readdir(lock))[0];
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Renames a directory; resolves to false where it fails with one of these errors. */
async function renamed(from: string, to: string, unless: readonly string[]): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (unless.includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
}
