import { dirname, join } from "node:path";
import { type Digest, hexOf, splitDigest, algorithmOf } from "@bitstore/core";
import { errnoOf } from "./disk-error.ts";
import type { FileLayer } from "./file-layer.ts";

/** Names and folders of one journal. */
export interface JournalFolder {
  readonly root: string;
  readonly tmp: string;
  readonly pending: string;
  readonly rotten: string;
  readonly versionPath: string;
  /** Tells which origin the blobs are for. */
  readonly originPath: string;
  readonly ownerPath: string;
  /** Where a blob is from its acknowledgement until the origin has it. */
  pendingPath(digest: Digest): string;
  tmpPath(name: string): string;
  rottenPath(digest: Digest, tag: string): string;
  /** Makes a folder and those above it, if need be, so that its name outlives a loss of power. */
  ensure(path: string): Promise<void>;
  /** Makes the names in a folder durable. Calls at the same time share a sync. */
  sync(path: string): Promise<void>;
  /** Forgets that folders were made, since somebody has removed one. */
  forget(): void;
}

export function journalFolder(root: string, files: FileLayer): JournalFolder {
  const pending = join(root, "pending");
  const tmp = join(root, "tmp");
  const rotten = join(root, "rotten");
  /** Folders whose own names are durable: those that were made or looked at by this process. */
  const made = new Map<string, Promise<void>>();
  const syncing = new Map<string, { current: Promise<void>; next: Promise<void> | undefined }>();

  function ensure(path: string): Promise<void> {
    const known = made.get(path);
    if (known !== undefined) return known;
    const making = make(path);
    made.set(path, making);
    making.catch(() => made.delete(path));
    return making;
  }

  async function make(path: string): Promise<void> {
    const isInside = path !== root && path.startsWith(root);
    if (isInside) await ensure(dirname(path));
    try {
      await files.makeFolder(path);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT" || isInside) throw error;
      await make(dirname(path));
      await files.makeFolder(path);
    }
    try {
      // Also where it was there: the process that made it may have died before it had synced.
      await sync(dirname(path));
    } catch (error) {
      // The folder above the journal may be one that this user can't read.
      const errno = errnoOf(error);
      if (path !== root || (errno !== "EACCES" && errno !== "EPERM")) throw error;
    }
  }

  function sync(path: string): Promise<void> {
    const running = syncing.get(path);
    if (running === undefined) {
      const state = { current: files.syncFolder(path), next: undefined };
      syncing.set(path, state);
      const over = (): void => {
        if (syncing.get(path) === state) syncing.delete(path);
      };
      state.current.then(over, over);
      return state.current;
    }
    // One that has begun may have passed what was named since, so those who come now share the next.
    running.next ??= running.current
      .catch(() => undefined)
      .then(() => {
        syncing.delete(path);
        return sync(path);
      });
    return running.next;
  }

  return {
    root,
    tmp,
    pending,
    rotten,
    versionPath: join(root, "_bitstore.json"),
    originPath: join(root, "_origin.json"),
    ownerPath: join(root, "owner.sqlite"),
    pendingPath(digest) {
      const { algorithm, hex } = splitDigest(digest);
      return `${pending}/${algorithm}/${hex.slice(0, 2)}/${hex}`;
    },
    tmpPath: (name) => join(tmp, name),
    rottenPath: (digest, tag) => join(rotten, `${algorithmOf(digest)}-${hexOf(digest)}-${tag}`),
    ensure,
    sync,
    forget: () => made.clear(),
  };
}
