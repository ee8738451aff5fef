import {
  type BlobPutOptions,
  type BlobStore,
  type Body,
  type Digest,
  linkedAbort,
  orAborted,
  type PutResult,
  sleep,
  StoreError,
} from "@bitstore/core";
import { toStoreError } from "./disk-error.ts";
import type { FileLock } from "./file-layer.ts";
import type { Journal } from "./journal.ts";
import { journalFolder } from "./journal-folder.ts";
import { checkForeign, claimFormat, claimOrigin } from "./journal-format.ts";
import { createLazySync } from "./lazy-sync.ts";
import { ownDirectory } from "./own-directory.ts";
import { pendingBlobs, type PendingEntry } from "./pending.ts";
import { pendingSource } from "./pending-source.ts";
import { putBlob } from "./put-blob.ts";
import { recover } from "./recover.ts";
import { createRoom } from "./room.ts";
import { settingsOf, type WriteBackOptions, type WriteBackSettings } from "./settings.ts";
import { statusOf, type WriteBackStatus } from "./status.ts";
import { createTurns } from "./turns.ts";
import { createUploader } from "./uploader.ts";

/** An open journal: puts are acknowledged by the local disk, and uploaded to the origin later. */
export interface WriteBack extends AsyncDisposable {
  /**
   * Stores a blob, verified, and resolves when it is durable on the local disk. Where the journal is
   * full it waits for room, `waitMs` at most, and rejects with RATE_LIMITED then; a full disk is
   * UNAVAILABLE. `existed` means that it is pending already; what the origin has is not asked here.
   */
  put(body: Body, options?: BlobPutOptions): Promise<PutResult>;
  /** What is pending, to be read before the origin. Its delete cancels the upload, durably. */
  readonly source: BlobStore;
  /**
   * Resolves when all that is pending now is at the origin, or was deleted. What the origin had
   * refused is tried at once; where it is refused again, rejects, when the rest has arrived.
   */
  drain(signal?: AbortSignal): Promise<void>;
  /**
   * Resolves when a blob is at the origin, or if it was never pending. Rejects with the origin's
   * refusal, with DIGEST_MISMATCH where its file went bad, with NOT_FOUND where it was deleted.
   */
  settled(digest: Digest, signal?: AbortSignal): Promise<void>;
  status(): WriteBackStatus;
}

/**
 * Opens the journal of a directory, as its one owner, and goes on with what the last one left.
 * Rejects with UNAVAILABLE where another process owns it, CONFIG_INVALID where it is no journal.
 * Disposing it lets puts and uploads under way end, `drainMs` at most; what is pending then goes on
 * at the next start. The origin is not disposed.
 */
export async function writeBack(origin: BlobStore, options: WriteBackOptions): Promise<WriteBack> {
  const settings = settingsOf(origin, options);
  const { files, directory, limits, clock, name } = settings;
  const folder = journalFolder(directory, files);
  const unique = settings.uniqueId();
  let names = 0;
  const journal: Journal = {
    settings,
    files,
    folder,
    pending: pendingBlobs(),
    room: createRoom({ ...settings, waitMs: limits.waitMs, source: name }),
    turns: createTurns(),
    uploading: new Set(),
    removals: createLazySync(folder, clock, limits.lazySyncMs),
    rotten: new Map(),
    uniqueName: () => {
      names += 1;
      return `${unique}-${names}`;
    },
  };
  const lock = await openJournal(journal);
  return running(journal, lock, settings);
}

/** Makes or checks the directory, takes its lock, and takes up what is in it. */
async function openJournal(journal: Journal): Promise<FileLock> {
  const { files, folder, settings } = journal;
  const place = {
    operation: "open",
    subject: `directory ${JSON.stringify(folder.root)}`,
    source: settings.name,
  };
  let lock: FileLock | undefined;
  try {
    await folder.ensure(folder.root);
    await checkForeign(folder, files, settings.name);
    lock = await ownDirectory(folder, settings);
    await claimFormat(folder, files, settings.name);
    for (const path of [folder.tmp, folder.pending, folder.rotten]) await folder.ensure(path);
    await recover(journal);
    await claimOrigin(folder, files, settings, journal.pending.size);
    return lock;
  } catch (error) {
    lock?.release();
    throw toStoreError(error, place);
  }
}

function running(journal: Journal, lock: FileLock, settings: WriteBackSettings): WriteBack {
  const { pending, rotten } = journal;
  const { clock, limits, name } = settings;
  const uploader = createUploader(journal);
  const puts = new Set<Promise<unknown>>();
  const stop = new AbortController();
  let disposing: Promise<void> | undefined;

  for (const entry of pending.values()) uploader.add(entry);

  async function put(body: Body, call: BlobPutOptions = {}): Promise<PutResult> {
    if (disposing !== undefined) throw closed(name, call.digest);
    const linked = linkedAbort(call.signal);
    const onStop = (): void => linked.abort(closed(name, call.digest));
    stop.signal.addEventListener("abort", onStop);
    const added = (entry: PendingEntry): void => uploader.add(entry);
    const work = putBlob(journal, body, call, linked.signal, added);
    puts.add(work);
    try {
      return await work;
    } finally {
      puts.delete(work);
      linked.release();
      stop.signal.removeEventListener("abort", onStop);
    }
  }

  async function settled(digest: Digest, signal?: AbortSignal): Promise<void> {
    const entry = pending.get(digest);
    const known = entry === undefined ? rotten.get(digest)?.error : entry.refusal;
    if (known !== undefined) throw known;
    if (entry === undefined) return;
    await orAborted(entry.settling.promise, signal, "settle", digest);
  }

  async function drain(signal?: AbortSignal): Promise<void> {
    const entries = [...pending.values()];
    for (const entry of entries) uploader.retry(entry);
    const waits = Promise.allSettled(entries.map(({ settling }) => settling.promise));
    const results = await orAborted(waits, signal, "drain");
    for (const [at, result] of results.entries()) {
      if (result.status === "rejected" && entries[at]?.state !== "deleted") throw result.reason;
    }
  }

  async function dispose(): Promise<void> {
    uploader.stop();
    const over = new AbortController();
    const atMost = (delayMs: number): Promise<unknown> =>
      Promise.race([ending, sleep(clock, delayMs, over.signal).catch(() => undefined)]);
    const ending = Promise.allSettled([...puts, uploader.idle()]);
    await atMost(limits.drainMs);
    stop.abort();
    uploader.abort();
    await atMost(limits.cancelMs);
    over.abort();
    for (const { digest, settling } of pending.values()) settling.reject(closed(name, digest));
    await journal.removals.settleAll().catch(() => undefined);
    lock.release();
  }

  return {
    put,
    source: pendingSource(journal),
    drain,
    settled,
    status: () => statusOf(journal, uploader),
    [Symbol.asyncDispose]() {
      disposing ??= dispose();
      return disposing;
    },
  };
}

function closed(source: string, subject: Digest | undefined): StoreError {
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "put",
    subject,
    source,
    message: "the journal is being closed; put to the origin",
  });
}
