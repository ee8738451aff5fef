import { dirname } from "node:path";
import {
  type Body,
  type Bytes,
  collect,
  isStoreError,
  StoreError,
  throwIfAborted,
  verifyStream,
} from "@bitstore/core";
import { errnoOf, toStoreError } from "./disk-error.ts";
import type { OpenFile } from "./file-layer.ts";
import type { Journal } from "./journal.ts";
import type { PendingEntry } from "./pending.ts";
import { readSpan } from "./read-file.ts";
import { dropRotten, giveUpLost, setAside, standingOf } from "./set-aside.ts";

/**
 * Puts one pending blob to the origin, verified once more on its way, and removes its file once the
 * origin has acknowledged it. A file that has gone bad is set aside, one that vanished given up, each
 * with an alarm. Rejects where the blob is to be tried again.
 */
export async function uploadBlob(
  journal: Journal,
  entry: PendingEntry,
  signal: AbortSignal,
): Promise<"arrived" | "given up"> {
  const { folder, turns, settings } = journal;
  const { digest } = entry;
  const problem = await send(journal, entry, signal);
  if (problem === undefined) {
    await finish(journal, entry);
    return "arrived";
  }
  throwIfAborted(signal, "upload", digest);
  const place = { operation: "upload", subject: digest, source: settings.name };
  // What the disk said while the origin was reading comes out of the origin in any shape.
  await turns.take(digest, async () => {
    if (entry.state !== "uploading") return;
    try {
      const standing = problem.isLocal ? await standingOf(journal, digest) : "right";
      if (standing === "rotten") await setAside(journal, digest);
      if (standing === "absent") giveUpLost(journal, digest);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") folder.forget();
      throw toStoreError(error, place);
    }
  });
  if (entry.state !== "uploading") return "given up";
  if (!problem.isLocal) throw problem.error;
  throw new StoreError({
    code: "UNAVAILABLE",
    ...place,
    message: "its pending file could not be read; it is tried again",
    cause: problem.error,
  });
}

interface Problem {
  readonly error: unknown;
  /** Whether the pending file itself could not be read, or had other bytes. */
  readonly isLocal: boolean;
}

async function send(
  journal: Journal,
  entry: PendingEntry,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const { files, folder, settings } = journal;
  const { limits, origin, name: source } = settings;
  const { digest, size } = entry;
  let isLocal = false;
  let file: OpenFile | undefined;
  async function* verified(opened: OpenFile): AsyncGenerator<Uint8Array, void, void> {
    try {
      const span = { start: 0, end: opened.size, chunkBytes: limits.readBytes, source };
      yield* verifyStream(readSpan(opened, span), digest, "upload", source, size);
    } catch (error) {
      isLocal = true;
      throw error;
    }
  }
  try {
    const opened = await files.openForRead(folder.pendingPath(digest)).catch((error: unknown) => {
      isLocal = true;
      throw toStoreError(error, { operation: "upload", subject: digest, source });
    });
    file = opened;
    if (!opened.isFile || opened.size !== size) {
      isLocal = true;
      throw new StoreError({
        code: "UNAVAILABLE",
        operation: "upload",
        subject: digest,
        source,
        message: "its pending file has another size; it is looked at again",
      });
    }
    const stream = (): Bytes => verified(opened);
    const body: Body = size <= limits.memoryBytesMax ? await collect(stream()) : stream;
    const stored = await origin.put(body, { digest, size, signal });
    if (stored.digest !== digest || stored.size !== size) throw otherBlob(entry, origin.name);
    return undefined;
  } catch (error) {
    return { error, isLocal };
  } finally {
    await file?.close().catch(() => undefined);
  }
}

function otherBlob({ digest }: PendingEntry, source: string): StoreError {
  return new StoreError({
    code: "INTERNAL",
    operation: "upload",
    subject: digest,
    source,
    message: "the origin acknowledged another blob than it was given; report this",
  });
}

/** Takes a blob out of the journal that the origin has acknowledged. */
async function finish(journal: Journal, entry: PendingEntry): Promise<void> {
  const { files, folder, pending, removals, room, settings, turns } = journal;
  const { digest, size } = entry;
  const path = folder.pendingPath(digest);
  await turns.take(digest, async () => {
    if (entry.state !== "uploading") return;
    try {
      await dropRotten(journal, digest);
      await files.unlink(path);
      removals.removedFrom(dirname(path));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") {
        // Whoever waits for the origin need not wait for our disk.
        entry.settling.resolve();
        throw toStoreError(error, { operation: "upload", subject: digest, source: settings.name });
      }
    }
    pending.remove(entry, "uploaded");
    room.free(size);
  });
}

/** What a failed try means: its blob is tried again soon, or the origin refuses it for good. */
export function isPassing(error: StoreError): boolean {
  return passingCodes.has(error.code) || error.persistence === "transient";
}

/**
 * A put by digest may be repeated whatever became of it, so INDETERMINATE passes too, and so does an
 * abort that is not ours. A layer's `exhausted` is about its own patience.
 */
const passingCodes: ReadonlySet<string> = new Set([
  "RATE_LIMITED",
  "UNAVAILABLE",
  "TIMEOUT",
  "INDETERMINATE",
  "ABORTED",
]);

/** Makes whatever an upload threw an error of ours. */
export function uploadError(error: unknown, entry: PendingEntry, source: string): StoreError {
  if (isStoreError(error)) return error;
  return new StoreError({
    code: "INTERNAL",
    operation: "upload",
    subject: entry.digest,
    source,
    message: "the origin threw something that is no error of a store; report this",
    cause: error,
  });
}
