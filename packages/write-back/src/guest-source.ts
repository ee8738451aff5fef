import { dirname } from "node:path";
import {
  type Algorithm,
  type BlobListOptions,
  type BlobStore,
  type CallOptions,
  checkRange,
  compareKeys,
  type Content,
  type Descriptor,
  type Digest,
  type OpenOptions,
  StoreError,
  throwIfAborted,
} from "@bitstore/core";
import { errnoOf, onDisk } from "./disk-error.ts";
import { openPending } from "./open-pending.ts";
import { type JournalPlace, lookAt, scanPending } from "./scan-pending.ts";

/**
 * Shows what is pending in a directory that another process owns. A file has its name only while its
 * blob is whole and not yet at the origin, so that its name alone is the answer.
 */
export function guestSource(place: JournalPlace, algorithms: readonly Algorithm[]): BlobStore {
  const { name } = place.settings;
  const pathOf = (digest: Digest): string => place.folder.pendingPath(digest);

  async function stat(digest: Digest, options: CallOptions = {}): Promise<Descriptor | undefined> {
    throwIfAborted(options.signal, "stat", digest);
    const where = { operation: "stat", subject: digest, source: name };
    const found = await onDisk(where, () => lookAt(place, digest));
    return found === undefined ? undefined : { digest, size: found.size };
  }

  async function open(digest: Digest, options: OpenOptions = {}): Promise<Content | undefined> {
    checkRange(options.range, "open", digest);
    throwIfAborted(options.signal, "open", digest);
    return await openPending(place, digest, options);
  }

  /** Deletes nothing: it only makes sure that there is nothing that would come back. */
  async function refuseDelete(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    if ((await stat(digest, options)) !== undefined) throw beingUploaded(digest, name);
    const where = { operation: "delete", subject: digest, source: name };
    // Its owner may have removed the file without having synced that: a loss of power undoes it.
    await onDisk(where, () => syncIfThere(place, dirname(pathOf(digest))));
    if ((await stat(digest, options)) !== undefined) throw beingUploaded(digest, name);
    return false;
  }

  return {
    name,
    capabilities: {
      algorithms,
      stat: true,
      rangeRead: true,
      put: false,
      delete: true,
      list: true,
    },
    stat,
    open,
    put: () => {
      const message = "puts go to the journal itself";
      return Promise.reject(
        new StoreError({ code: "UNSUPPORTED", operation: "put", source: name, message }),
      );
    },
    delete: refuseDelete,
    async *list(options: BlobListOptions = {}): AsyncGenerator<Descriptor, void, void> {
      const { startAfter, signal } = options;
      const where = { operation: "list", source: name };
      const found = await onDisk(where, () => scanPending(place, signal));
      for (const { digest, size } of found.toSorted((a, b) => compareKeys(a.digest, b.digest))) {
        throwIfAborted(signal, "list");
        if (startAfter === undefined || compareKeys(digest, startAfter) > 0) yield { digest, size };
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function syncIfThere({ files }: JournalPlace, path: string): Promise<void> {
  try {
    await files.syncFolder(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
}

function beingUploaded(subject: Digest, source: string): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "delete",
    subject,
    source,
    message: "another process is bringing it to the origin; delete it once it has arrived",
  });
}
