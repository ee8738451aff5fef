import {
  algorithmOf,
  type Body,
  type BlobPutOptions,
  type Bytes,
  checkDigest,
  closeUnawaited,
  createHasher,
  defaultAlgorithm,
  type Digest,
  openBody,
  orAborted,
  StoreError,
} from "@bitstore/core";
import { errnoOf, onDisk } from "./disk-error.ts";
import type { NewFile } from "./file-layer.ts";
import type { Journal } from "./journal.ts";
import { readSpan } from "./read-file.ts";
import type { Reservation } from "./room.ts";

/** Bytes that are hashed in one turn of the event loop: under a millisecond. */
const pieceBytes = 2 ** 20;

/** A body whose bytes are durable in a temporary file, hashed and checked. */
export interface StagedBody {
  readonly kind: "staged";
  readonly digest: Digest;
  readonly size: number;
  readonly path: string;
  readonly reservation: Reservation;
}

/** A body that turned out to be longer than the journal takes. */
export interface OverlongBody {
  readonly kind: "overlong";
  /** Gives what was staged and then the rest; the second time, the body from its start. */
  readonly body: Body;
}

/** The temporary file of one put; disposed, it is gone, unless it was published. */
export interface Staging extends AsyncDisposable {
  take(body: Body, options: BlobPutOptions): Promise<StagedBody | OverlongBody>;
}

export function stageBody(journal: Journal, signal: AbortSignal): Staging {
  const { settings, files, folder, room } = journal;
  const { limits, name: source, entryBytesMax } = settings;
  const path = folder.tmpPath(journal.uniqueName());
  let reservation: Reservation | undefined;
  let file: NewFile | undefined;
  let chunks: AsyncIterator<Uint8Array> | undefined;

  async function take(body: Body, options: BlobPutOptions): Promise<StagedBody | OverlongBody> {
    const place = { operation: "put", subject: options.digest, source };
    const known = body instanceof Uint8Array ? body.byteLength : options.size;
    const { digest } = options;
    const hasher = await createHasher(
      digest === undefined ? (options.algorithm ?? defaultAlgorithm) : algorithmOf(digest),
    );
    const held = await room.reserve(known ?? 0, signal);
    reservation = held;
    let gathered: Uint8Array[] = [];
    let gatheredBytes = 0;
    let size = 0;
    const flush = (): Promise<void> =>
      onDisk(place, async () => {
        file ??= await createTemporary();
        const writing = gathered;
        gathered = [];
        gatheredBytes = 0;
        await file.append(writing);
      });

    const live = openBody(body)[Symbol.asyncIterator]();
    chunks = live;
    for (;;) {
      const step = await nextOf(live, digest);
      if (step.done === true) break;
      const chunk = step.value;
      if (options.size !== undefined && size + chunk.byteLength > options.size) {
        throw wrongSize("more", options);
      }
      if (size + chunk.byteLength > entryBytesMax) {
        await held.grow(size, signal);
        await flush();
        return { kind: "overlong", body: replay(size, chunk, body) };
      }
      for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        hasher.update(piece);
        gathered.push(piece);
        size += piece.byteLength;
        gatheredBytes += piece.byteLength;
        if (gatheredBytes < limits.gatherBytes) continue;
        if (size > held.bytes) await held.grow(nextRoom(size), signal);
        await flush();
      }
    }
    chunks = undefined;
    if (options.size !== undefined && size !== options.size) throw wrongSize(`${size}`, options);
    const actual = hasher.digest();
    if (digest !== undefined) checkDigest(digest, actual, "put", source);
    await held.grow(size, signal);
    await flush();
    await onDisk(place, async () => {
      await file?.sync();
      await closeNow();
    });
    return { kind: "staged", digest: actual, size, path, reservation: held };
  }

  /** A body of unknown size takes room by doubling, so that it asks a few times only. */
  function nextRoom(size: number): number {
    return Math.max(size, Math.min(2 * size, size + limits.stepBytes, entryBytesMax));
  }

  async function createTemporary(): Promise<NewFile> {
    await folder.ensure(folder.tmp);
    try {
      return await files.create(path);
    } catch (error) {
      // Somebody has removed the folder; the next put makes it again.
      if (errnoOf(error) === "ENOENT") folder.forget();
      throw error;
    }
  }

  async function nextOf(
    from: AsyncIterator<Uint8Array>,
    digest: Digest | undefined,
  ): Promise<IteratorResult<Uint8Array>> {
    try {
      return await orAborted(from.next(), signal, "put", digest);
    } catch (error) {
      // A body that threw is closed; one that hangs is closed unawaited.
      if (!signal.aborted) chunks = undefined;
      throw error;
    }
  }

  function replay(written: number, chunk: Uint8Array, body: Body): Body {
    let isFirst = true;
    return async function* again(): Bytes & AsyncGenerator<Uint8Array> {
      if (!isFirst || chunks === undefined) {
        yield* openBody(body);
        return;
      }
      isFirst = false;
      const rest = chunks;
      const staged = await onDisk({ operation: "read", source }, () => files.openForRead(path));
      try {
        const span = { start: 0, end: written, chunkBytes: limits.readBytes, source };
        yield* readSpan(staged, span);
      } finally {
        await staged.close();
      }
      yield chunk;
      yield* { [Symbol.asyncIterator]: () => rest };
      chunks = undefined;
    };
  }

  async function closeNow(): Promise<void> {
    const closing = file;
    file = undefined;
    await closing?.close();
  }

  function wrongSize(has: string, { digest, size }: BlobPutOptions): StoreError {
    const message = `the body has ${has} bytes where ${size} were declared`;
    return new StoreError({
      code: "INVALID_ARGUMENT",
      operation: "put",
      subject: digest,
      source,
      message,
    });
  }

  return {
    take,
    async [Symbol.asyncDispose]() {
      if (chunks !== undefined) closeUnawaited(chunks);
      await closeNow().catch(() => undefined);
      if (reservation === undefined) return;
      // A name that can't be removed now goes at the next start.
      await files.unlink(path).catch(() => undefined);
      reservation.cancel();
    },
  };
}
