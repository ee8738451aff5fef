import { dirname } from "node:path";
import {
  type BlobListOptions,
  type BlobStore,
  type CallOptions,
  checkRange,
  compareKeys,
  type Content,
  type Descriptor,
  type Digest,
  type OpenOptions,
  orAborted,
  sleep,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import { errnoOf, toStoreError } from "./disk-error.ts";
import type { Journal } from "./journal.ts";
import { openPending } from "./open-pending.ts";
import { dropRotten } from "./set-aside.ts";

/**
 * Makes the read side of a journal: a store of what is pending, to stand before the origin as a cache
 * tier. It takes no puts, so that no fill ends up in the journal. Disposing it does nothing; the
 * journal is disposed by whoever opened it.
 */
export function pendingSource(journal: Journal): BlobStore {
  const { pending, settings } = journal;
  const { name, origin } = settings;

  async function open(digest: Digest, options: OpenOptions = {}): Promise<Content | undefined> {
    checkRange(options.range, "open", digest);
    throwIfAborted(options.signal, "open", digest);
    if (pending.get(digest) === undefined) return undefined;
    return await openPending(journal, digest, options);
  }

  return {
    name,
    capabilities: {
      algorithms: origin.capabilities.algorithms,
      stat: true,
      rangeRead: true,
      put: false,
      delete: true,
      list: true,
    },
    async stat(digest: Digest, options: CallOptions = {}): Promise<Descriptor | undefined> {
      throwIfAborted(options.signal, "stat", digest);
      const size = pending.get(digest)?.size;
      return await Promise.resolve(size === undefined ? undefined : { digest, size });
    },
    open,
    put: () => {
      const message = "puts go to the journal itself";
      return Promise.reject(
        new StoreError({ code: "UNSUPPORTED", operation: "put", source: name, message }),
      );
    },
    delete: (digest, options = {}) => deletePending(journal, digest, options),
    async *list(options: BlobListOptions = {}): AsyncGenerator<Descriptor, void, void> {
      const { startAfter, signal } = options;
      throwIfAborted(signal, "list");
      for (const { digest, size } of pending.sorted()) {
        throwIfAborted(signal, "list");
        if (startAfter !== undefined && compareKeys(digest, startAfter) <= 0) continue;
        yield { digest, size };
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/**
 * Deletes a pending blob, durably, and resolves to whether there was one. An upload of it is aborted
 * and has ended before this resolves, so that it can't arrive at the origin after a delete there.
 */
async function deletePending(
  journal: Journal,
  digest: Digest,
  { signal }: CallOptions,
): Promise<boolean> {
  const { files, folder, pending, removals, room, settings, turns, uploading } = journal;
  throwIfAborted(signal, "delete", digest);
  const path = folder.pendingPath(digest);
  const place = { operation: "delete", subject: digest, source: settings.name };
  const work = turns.take(digest, async () => {
    const entry = pending.get(digest);
    try {
      if (entry !== undefined) {
        await files.unlink(path).catch((error: unknown) => {
          if (errnoOf(error) !== "ENOENT") throw error;
        });
        removals.removedFrom(dirname(path));
        pending.remove(entry, "deleted", deletedError(digest, settings.name));
        room.free(entry.size);
      }
      await dropRotten(journal, digest);
      // Also where it was uploaded a moment ago: its file must not come back after this.
      await removals.settle(dirname(path));
      return { entry };
    } catch (error) {
      throw toStoreError(error, place);
    }
  });
  const { entry } = await orAborted(work, signal, "delete", digest);
  // They find their entries gone, but the origin may have all of the bytes already. There are two where
  // a file that went bad was set aside under its upload.
  const uploads = [...uploading].flatMap((each) =>
    each.digest === digest && each.state !== "uploading" ? (each.upload ?? []) : [],
  );
  for (const { abort } of uploads) abort.abort();
  for (const upload of uploads) {
    await orAborted(endOf(journal, upload.over), signal, "delete", digest);
  }
  return entry !== undefined;
}

/** Waits for the end of an upload that was aborted; an origin that is deaf to that is reported. */
async function endOf(journal: Journal, over: Promise<void>): Promise<void> {
  const { clock, limits, name } = journal.settings;
  const ended = new AbortController();
  const late = sleep(clock, limits.cancelMs, ended.signal).then(
    () => true,
    () => false,
  );
  try {
    const isLate = await Promise.race([over.then(() => false), late]);
    if (!isLate) return;
    const message = "its upload does not end; delete it again";
    throw new StoreError({ code: "TIMEOUT", operation: "delete", source: name, message });
  } finally {
    ended.abort();
  }
}

function deletedError(digest: Digest, source: string): StoreError {
  return new StoreError({
    code: "NOT_FOUND",
    operation: "upload",
    subject: digest,
    source,
    message: "it was deleted before it reached the origin",
  });
}
