import { type FileHandle, open, unlink } from "node:fs/promises";
import { abortedError, type Body, checkSize, StoreError, throwIfAborted } from "@bitstore/core";
import { toStoreError } from "./to-store-error.ts";

/** Bytes that are gathered from small chunks before they are written at once. */
const gatherBytes = 256 * 1024;
/** Chunks of one write: writev(2) takes at most 1024. */
const gatherChunksMax = 512;
/** Bytes of one write of an array that is given whole. */
const sliceBytes = 8 * 1024 * 1024;

export interface WriteContext {
  readonly key: string;
  readonly source: string;
  readonly signal: AbortSignal | undefined;
  readonly size: number | undefined;
  readonly fsync: boolean;
  /** Milliseconds since 1970, with a fraction that no other put has. */
  readonly nowMs: () => number;
}

/**
 * Writes a body to a new file, durably, under a name that nobody looks at. Where it fails the file
 * is gone: the body's own error is rethrown as it is, and an abort is answered at once, even while
 * the body hangs.
 */
export async function writeTemporary(
  path: string,
  body: Body,
  context: WriteContext,
): Promise<void> {
  const { key, source, size } = context;
  const fail = (error: unknown): never => {
    throw toStoreError(error, "put", source, key);
  };
  const handle = await open(path, "wx").catch(fail);
  try {
    const written =
      body instanceof Uint8Array
        ? await writeArray(handle, body, context).catch(fail)
        : await writeStream(handle, body()[Symbol.asyncIterator](), context, fail);
    checkSize(written, size, key, source);
    const now = context.nowMs() / 1000;
    await handle.utimes(now, now).catch(fail);
    if (context.fsync) await handle.sync().catch(fail);
    await handle.close().catch(fail);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** Writes an array in slices, so that an abort need not wait for all of it. */
async function writeArray(
  handle: FileHandle,
  bytes: Uint8Array,
  { key, signal }: WriteContext,
): Promise<number> {
  for (let at = 0; at < bytes.byteLength; at += sliceBytes) {
    throwIfAborted(signal, "put", key);
    await writeAll(handle, [bytes.subarray(at, at + sliceBytes)]);
  }
  return bytes.byteLength;
}

async function writeStream(
  handle: FileHandle,
  chunks: AsyncIterator<Uint8Array>,
  context: WriteContext,
  fail: (error: unknown) => never,
): Promise<number> {
  const { key, source, size, signal } = context;
  let gathered: Uint8Array[] = [];
  let waiting = 0;
  let written = 0;
  const flush = async (): Promise<void> => {
    written += await writeAll(handle, gathered).catch(fail);
    gathered = [];
    waiting = 0;
  };
  const steps = stepsOf(chunks, signal, key);
  try {
    for (;;) {
      const step = await steps.next();
      if (step.done === true) break;
      gathered.push(step.value);
      waiting += step.value.byteLength;
      // A body longer than declared is refused before all of it is written.
      if (size !== undefined && written + waiting > size) throw tooLong(key, source, size);
      if (waiting >= gatherBytes || gathered.length >= gatherChunksMax) await flush();
    }
    await flush();
    return written;
  } finally {
    steps.release();
  }
}

interface Steps {
  /** Takes the next chunk; rejects at once where the signal aborts, even if the body hangs. */
  next(): Promise<IteratorResult<Uint8Array>>;
  /** Closes a body that has not ended. */
  release(): void;
}

function stepsOf(
  chunks: AsyncIterator<Uint8Array>,
  signal: AbortSignal | undefined,
  key: string,
): Steps {
  let over = false;
  // One listener for all steps: a race against one long-lived promise would keep every step alive.
  let rejectStep: (error: unknown) => void = () => undefined;
  const onAbort = (): void => {
    if (signal !== undefined) rejectStep(abortedError("put", signal, key));
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  const take = async (): Promise<IteratorResult<Uint8Array>> => {
    try {
      const step = await chunks.next();
      over = step.done === true;
      return step;
    } catch (error) {
      over = true;
      throw error;
    }
  };
  return {
    next: () =>
      new Promise((resolve, reject) => {
        rejectStep = reject;
        if (signal?.aborted === true) onAbort();
        else take().then(resolve, reject);
      }),
    release: () => {
      signal?.removeEventListener("abort", onAbort);
      // It is not waited for: a body that hangs may never answer its own close.
      if (!over) void closeQuietly(chunks);
    },
  };
}

async function closeQuietly(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    await chunks.return?.();
  } catch {
    // The put has failed with an error of its own already.
  }
}

function tooLong(key: string, source: string, size: number): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "put",
    subject: key,
    source,
    message: `the body has more than the ${size} bytes that were declared`,
  });
}

/** Writes chunks at the end of a file, whole: a write may take fewer bytes than it was given. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<number> {
  let left = chunks.filter((chunk) => chunk.byteLength > 0);
  let total = 0;
  while (left.length > 0) {
    let { bytesWritten } = await handle.writev(left);
    total += bytesWritten;
    while (left[0] !== undefined && bytesWritten >= left[0].byteLength) {
      bytesWritten -= left[0].byteLength;
      left = left.slice(1);
    }
    if (left[0] !== undefined) left = [left[0].subarray(bytesWritten), ...left.slice(1)];
  }
  return total;
}
