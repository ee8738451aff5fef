import type { FileHandle } from "node:fs/promises";
import { abortedError } from "../errors.ts";
import { unlinkedFile, writeAt } from "../store/unlinked-file.ts";
import type { OpenSpool, Spool, SpoolReader, SpoolReadOptions } from "./spool.ts";

export interface SpoolLimits {
  /** Bytes of one spool in memory, and how far the writer runs ahead of its fastest reader. */
  readonly memoryBytesMax: number;
  /** Bytes that one spool keeps in all; what is older than that is given up. */
  readonly spoolBytesMax: number;
  /** Bytes of all open spools together; where they are spent, no spool is opened. */
  readonly spoolsBytesMax: number;
  readonly spoolDirectory?: string | undefined;
}

export const spoolLimitsDefault: SpoolLimits = {
  memoryBytesMax: 4 * 2 ** 20,
  spoolBytesMax: 2 ** 30,
  spoolsBytesMax: 8 * 2 ** 30,
};

const readBytes = 256 * 1024;

/** Pieces that the memory of a spool holds at least. */
const piecesMin = 4;

interface Reader {
  offset: number;
  hold: boolean;
  /** The writer does not go by it yet. */
  waits: boolean;
}

interface Piece {
  readonly offset: number;
  readonly chunk: Uint8Array;
}

/** Makes an opener of spools that share one budget. A spool of a known size takes no more than it. */
export function spoolOpener(limits: Partial<SpoolLimits> = {}): OpenSpool {
  const all = { ...spoolLimitsDefault, ...limits };
  let takenBytes = 0;
  return (size) => {
    const capacity = Math.min(Math.max(size ?? all.spoolBytesMax, 1), all.spoolBytesMax);
    if (takenBytes + capacity > all.spoolsBytesMax) return Promise.resolve(undefined);
    takenBytes += capacity;
    const release = (): void => {
      takenBytes -= capacity;
    };
    return Promise.resolve(ringSpool(capacity, all, release, true));
  };
}

/**
 * Makes a spool that keeps no more than a window in memory, for a fetch beyond the budget. All of its
 * readers must hold, so they go at the pace of the slowest.
 */
export function windowSpool(limits: Partial<SpoolLimits> = {}): Spool {
  const all = { ...spoolLimitsDefault, ...limits };
  return ringSpool(all.memoryBytesMax, all, () => undefined, false);
}

function ringSpool(
  capacity: number,
  limits: SpoolLimits,
  release: () => void,
  hasFile: boolean,
): Spool {
  const readers = new Set<Reader>();
  const pieces: Piece[] = [];
  let memoryBytes = 0;
  let file: FileHandle | undefined;
  let start = 0;
  let head = 0;
  let ended: { readonly error: unknown } | undefined;
  let disposed = false;
  let isDiskLost = false;
  // Everyone waits on the same change; a spool has few readers and large chunks.
  let changed = Promise.withResolvers<void>();

  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const begun = (): Reader[] => [...readers].filter(({ waits }) => !waits);
  const offsets = (): number[] => begun().map(({ offset }) => offset);
  const heldFrom = (): number =>
    Math.min(head, ...begun().flatMap(({ hold, offset }) => (hold ? [offset] : [])));
  const fastest = (): number => Math.max(start, ...offsets());
  // What nobody reads any more, or not yet, runs on to its end, which those who were overrun wait for.
  const hasRoom = (bytes: number): boolean =>
    offsets().length === 0 ||
    (head - fastest() < limits.memoryBytesMax &&
      (head === heldFrom() || head + bytes - heldFrom() <= capacity));
  /** Whether the oldest piece must outlive memory: only a lone reader past it can spare it. */
  const isWanted = (piece: Piece): boolean =>
    (hasFile && readers.size !== 1) ||
    [...readers].some(({ hold, offset }) => hold || offset < piece.offset + piece.chunk.byteLength);

  async function spill(piece: Piece): Promise<void> {
    file ??= await unlinkedFile(limits.spoolDirectory);
    const end = piece.offset + piece.chunk.byteLength;
    // Readers must see that the old bytes are gone before they are overwritten.
    start = Math.max(start, end - capacity);
    for (let at = Math.max(piece.offset, end - capacity); at < end; ) {
      const place = at % capacity;
      const length = Math.min(end - at, capacity - place);
      const from = at - piece.offset;
      await writeAt(file, piece.chunk.subarray(from, from + length), place);
      at += length;
    }
  }

  /**
   * Tries to spill. A disk that is full or gone costs those who lag and the fills, which are overrun;
   * whoever keeps up reads on from memory.
   */
  async function spilled(piece: Piece): Promise<boolean> {
    try {
      await spill(piece);
      return true;
    } catch {
      isDiskLost = true;
      for (const reader of readers) reader.hold = false;
      return false;
    }
  }

  async function trim(): Promise<void> {
    while (memoryBytes > limits.memoryBytesMax) {
      const oldest = pieces[0];
      if (oldest === undefined) return;
      if (isWanted(oldest) && !hasFile) return;
      const isKept = isWanted(oldest) && !isDiskLost && (await spilled(oldest));
      // A gap in the file would be read as data, so what is dropped takes all before it along.
      if (!isKept) start = oldest.offset + oldest.chunk.byteLength;
      pieces.shift();
      memoryBytes -= oldest.chunk.byteLength;
    }
  }

  async function next(reader: Reader): Promise<Uint8Array> {
    if (reader.offset < start) throw overrun(reader.offset);
    const first = pieces[0]?.offset ?? head;
    if (reader.offset >= first) {
      const piece = pieces.find(({ offset, chunk }) => reader.offset < offset + chunk.byteLength);
      if (piece === undefined) throw overrun(reader.offset);
      return piece.chunk.subarray(reader.offset - piece.offset);
    }
    if (file === undefined) throw overrun(reader.offset);
    const place = reader.offset % capacity;
    const length = Math.min(readBytes, first - reader.offset, capacity - place);
    const chunk = Buffer.allocUnsafe(length);
    const { bytesRead } = await file.read(chunk, 0, length, place);
    // The writer may have come round while the file was read.
    if (reader.offset < start || bytesRead === 0) throw overrun(reader.offset);
    return chunk.subarray(0, bytesRead);
  }

  function read(from: number, options: SpoolReadOptions): SpoolReader {
    const { signal, hold = false, waits = false } = options;
    // A reader counts from here on, not from its first chunk, or the writer could run past it.
    const reader: Reader = { offset: from, hold, waits };
    readers.add(reader);
    const onAbort = (): void => wake();
    signal?.addEventListener("abort", onAbort, { once: true });
    const leave = async (): Promise<void> => {
      signal?.removeEventListener("abort", onAbort);
      if (!readers.delete(reader)) return;
      wake();
      await closeIfIdle();
    };
    const step = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      while (readers.has(reader)) {
        if (signal?.aborted) throw abortedError("read", signal);
        if (reader.offset < head) {
          const chunk = await next(reader);
          reader.offset += chunk.byteLength;
          wake();
          return { done: false, value: chunk };
        }
        if (ended === undefined) await changed.promise;
        else if (ended.error !== undefined) throw ended.error;
        else break;
      }
      await leave();
      return { done: true, value: undefined };
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      begin() {
        reader.waits = false;
      },
      next() {
        reader.waits = false;
        return step().catch(async (error: unknown) => {
          await leave();
          throw error;
        });
      },
      async return() {
        await leave();
        return { done: true, value: undefined };
      },
    };
  }

  async function closeIfIdle(): Promise<void> {
    if (!disposed || readers.size > 0) return;
    pieces.length = 0;
    const handle = file;
    file = undefined;
    await handle?.close();
  }

  async function writePiece(chunk: Uint8Array): Promise<void> {
    while (!hasRoom(chunk.byteLength) && !disposed) await changed.promise;
    pieces.push({ offset: head, chunk });
    memoryBytes += chunk.byteLength;
    head += chunk.byteLength;
    try {
      await trim();
    } finally {
      wake();
      // A file that was opened while the spool was disposed belongs to nobody else.
      await closeIfIdle();
    }
  }

  return {
    get start() {
      return start;
    },
    async write(chunk) {
      // In pieces, or one chunk could be more than is kept, and be gone before anyone has read it.
      const pieceBytes = Math.max(1, Math.ceil(limits.memoryBytesMax / piecesMin));
      for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
        await writePiece(chunk.subarray(at, at + pieceBytes));
      }
    },
    end(error) {
      ended ??= { error };
      wake();
    },
    read: (from, options = {}) => read(from, options),
    async [Symbol.asyncDispose]() {
      if (disposed) return;
      disposed = true;
      release();
      wake();
      await closeIfIdle();
    },
  };
}

function overrun(offset: number): Error {
  const error = new Error(`the spool keeps nothing at offset ${offset} any more`);
  return Object.assign(error, { name: "SpoolOverrun", offset });
}
