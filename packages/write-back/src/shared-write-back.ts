import {
  abortedError,
  type BlobStore,
  type Body,
  type BlobPutOptions,
  type Digest,
  type PutResult,
  sleep,
} from "@bitstore/core";
import { onDisk, toStoreError } from "./disk-error.ts";
import { guestSource } from "./guest-source.ts";
import { checkGuest } from "./journal-format.ts";
import { journalFolder } from "./journal-folder.ts";
import { isOwnedElsewhere } from "./own-directory.ts";
import { type JournalPlace, lookAt, scanPending } from "./scan-pending.ts";
import { settingsOf, type WriteBackOptions } from "./settings.ts";
import { statusOnDisk, type WriteBackStatus } from "./status.ts";
import { type WriteBack, writeBack } from "./write-back.ts";

/** A journal whose directory several processes use: one owns it, the others are its guests. */
export interface SharedWriteBack extends AsyncDisposable {
  /** Stores a blob as its owner does; as a guest, in the origin itself, which is durable too. */
  put(body: Body, options?: BlobPutOptions): Promise<PutResult>;
  /**
   * What is pending, whoever owns it. As a guest its delete rejects with UNAVAILABLE for a pending
   * blob: the owner would upload it after it was deleted.
   */
  readonly source: BlobStore;
  /** As WriteBack does; a guest waits for the owner, and takes over where that one ends. */
  drain(signal?: AbortSignal): Promise<void>;
  /**
   * Resolves when a blob is not pending any more. As a guest it does not learn of a refusal by the
   * origin, and waits on.
   */
  settled(digest: Digest, signal?: AbortSignal): Promise<void>;
  /** As a guest, what the files say: uploads and failures are known to the owner alone. */
  status(): Promise<WriteBackStatus>;
  /** Whether this process owns the directory. */
  isOwner(): boolean;
}

export type SharedWriteBackOptions = Omit<WriteBackOptions, "takeover">;

/**
 * Opens a journal as its owner, or as a guest where another process is that. A guest looks every
 * `takeoverMs` whether the owner has ended, however it ended, and becomes the owner then. Rejects as
 * `writeBack` does, but for a directory that is owned. Disposing it as the owner is that of WriteBack.
 */
export async function sharedWriteBack(
  origin: BlobStore,
  options: SharedWriteBackOptions,
): Promise<SharedWriteBack> {
  const settings = settingsOf(origin, options);
  const { clock, direct, files, limits, name } = settings;
  const place: JournalPlace = { settings, files, folder: journalFolder(settings.directory, files) };
  const guest = guestSource(place, origin.capabilities.algorithms);
  let owned: WriteBack | undefined;
  let trying: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  let isDisposed = false;

  function tryToOwn(signal?: AbortSignal): Promise<void> {
    trying ??= own(signal).finally(() => {
      trying = undefined;
    });
    return trying;
  }

  async function own(signal: AbortSignal | undefined): Promise<void> {
    cancelTimer?.();
    if (owned !== undefined || isDisposed) return;
    try {
      const opened = await writeBack(origin, { ...options, signal });
      if (isDisposed) await opened[Symbol.asyncDispose]();
      else owned = opened;
    } catch (error) {
      if (!isOwnedElsewhere(error)) throw error;
    } finally {
      if (owned === undefined && !isDisposed) {
        cancelTimer = clock.after(limits.takeoverMs, () => {
          // What keeps it from taking over does not keep it from going on as a guest.
          tryToOwn().catch(() => undefined);
        });
      }
    }
  }

  /** Waits as a guest until it has nothing to wait for, or is the owner, which it resolves to. */
  async function waited(
    operation: string,
    isOver: () => Promise<boolean>,
    signal: AbortSignal | undefined,
  ): Promise<WriteBack | undefined> {
    for (;;) {
      if (owned !== undefined) return owned;
      if (await isOver()) return undefined;
      await sleep(clock, limits.takeoverMs, signal).catch(() => undefined);
      if (signal?.aborted) throw abortedError(operation, signal);
    }
  }

  try {
    await tryToOwn(options.signal);
    const where = { operation: "open", subject: `directory ${settings.directory}`, source: name };
    if (owned === undefined) await onDisk(where, () => checkGuest(place.folder, files, settings));
  } catch (error) {
    isDisposed = true;
    cancelTimer?.();
    throw error;
  }

  const source = (): BlobStore => owned?.source ?? guest;
  const isSettled = async (digest: Digest): Promise<boolean> =>
    (await onDisk({ operation: "settle", subject: digest, source: name }, () =>
      lookAt(place, digest),
    )) === undefined;
  return {
    put: (body, call) => (owned ?? direct).put(body, call),
    source: {
      name,
      capabilities: guest.capabilities,
      stat: (digest, call) => source().stat(digest, call),
      open: (digest, call) => source().open(digest, call),
      put: (body, call) => source().put(body, call),
      delete: (digest, call) => source().delete(digest, call),
      list: (call) => source().list(call),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    async drain(signal) {
      const isEmpty = async (): Promise<boolean> => (await scanPending(place, signal)).length === 0;
      await (await waited("drain", isEmpty, signal))?.drain(signal);
    },
    async settled(digest, signal) {
      await (await waited("settle", () => isSettled(digest), signal))?.settled(digest, signal);
    },
    async status() {
      if (owned !== undefined) return owned.status();
      try {
        return await statusOnDisk(place);
      } catch (error) {
        throw toStoreError(error, { operation: "status", source: name });
      }
    },
    isOwner: () => owned !== undefined,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      cancelTimer?.();
      await trying?.catch(() => undefined);
      await owned?.[Symbol.asyncDispose]();
    },
  };
}
