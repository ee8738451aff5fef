import { type Body, checkSize, StoreError, throwIfAborted } from "@bitstore/core";
import { raceAbort } from "./race-abort.ts";

/** A part of a body; its bytes are good until the part after the next is read. */
export interface Part {
  readonly bytes: Uint8Array;
  /** Where it starts in the body. */
  readonly offset: number;
  readonly last: boolean;
}

/** Reads a body part by part. */
export interface PartReader {
  /** Resolves to the next part; not to be called after the last one. */
  next(): Promise<Part>;
  /**
   * Closes the body where it has not ended. A body that is waited for may hang, and a caller that
   * has aborted waits for nothing, so those are only told.
   */
  close(): Promise<void>;
}

export interface PartReaderOptions {
  readonly key: string;
  readonly name: string;
  readonly partBytes: number;
  /** Bytes of the whole body, where the caller said so. */
  readonly size: number | undefined;
  readonly objectBytesMax: number;
  readonly signal: AbortSignal | undefined;
}

/** Bytes that the first part starts with when nobody said how long the body is. */
const firstBytes = 64 * 1024;

/**
 * Cuts a body into parts of `partBytes`, the last one shorter. A part is known to be the last when
 * the body has ended, so a body that throws after its last byte fails like any other. An array is
 * cut without a copy; a stream is copied into two arrays in turn, so that one can be filled while
 * the other is sent. The body's own errors come out as they are; a body of another size than was
 * declared is INVALID_ARGUMENT as soon as that shows.
 */
export function partReader(body: Body, options: PartReaderOptions): PartReader {
  return body instanceof Uint8Array ? arrayParts(body, options) : streamParts(body, options);
}

function arrayParts(body: Uint8Array, options: PartReaderOptions): PartReader {
  const { key, name, partBytes, size, objectBytesMax } = options;
  let offset = 0;
  return {
    async next() {
      checkSize(body.byteLength, size, key, name);
      if (body.byteLength > objectBytesMax) throw tooLarge(options);
      const bytes = body.subarray(offset, offset + partBytes);
      const part = { bytes, offset, last: offset + bytes.byteLength === body.byteLength };
      offset += bytes.byteLength;
      return part;
    },
    close: async () => undefined,
  };
}

function streamParts(body: Exclude<Body, Uint8Array>, options: PartReaderOptions): PartReader {
  const { key, name, partBytes, size, objectBytesMax, signal } = options;
  const iterator = body()[Symbol.asyncIterator]();
  let state: "idle" | "waiting" | "ended" = "idle";
  let total = 0;
  let offset = 0;
  let carry: Uint8Array = new Uint8Array();
  const buffers: Uint8Array[] = [];

  async function pull(): Promise<void> {
    throwIfAborted(signal, "put", key);
    state = "waiting";
    const turn = iterator.next().then(
      (result) => {
        state = result.done === true ? "ended" : "idle";
        return result;
      },
      (error: unknown) => {
        state = "ended";
        throw error;
      },
    );
    // Handled here too, since nobody else looks at it after an abort.
    turn.catch(() => undefined);
    const result = await raceAbort(turn, signal).catch((error: unknown) => {
      throwIfAborted(signal, "put", key);
      throw error;
    });
    if (result.done === true) return checkSize(total, size, key, name);
    carry = result.value;
    total += carry.byteLength;
    if (total > (size ?? total)) checkSize(total, size, key, name);
    if (total > objectBytesMax) throw tooLarge(options);
  }

  /** Returns an array of a part's size, or of less as long as less may do. */
  function buffer(index: number): Uint8Array {
    const found = buffers[index];
    if (found !== undefined) return found;
    const start = offset > 0 ? partBytes : Math.min(size ?? firstBytes, partBytes);
    const made = allocate(start);
    buffers[index] = made;
    return made;
  }

  async function next(): Promise<Part> {
    const index = (offset / partBytes) % 2;
    let filling = buffer(index);
    let filled = 0;
    for (;;) {
      if (carry.byteLength === 0) {
        if (state === "ended") break;
        await pull();
        continue;
      }
      if (filled === partBytes) break;
      if (filled === filling.byteLength) {
        filling = grown(filling, Math.min(partBytes, filled * 2));
        buffers[index] = filling;
      }
      const taken = carry.subarray(0, filling.byteLength - filled);
      filling.set(taken, filled);
      filled += taken.byteLength;
      carry = carry.subarray(taken.byteLength);
    }
    const part = { bytes: filling.subarray(0, filled), offset, last: carry.byteLength === 0 };
    offset += filled;
    return part;
  }

  async function close(): Promise<void> {
    const waited = state === "waiting";
    if (state === "ended") return;
    state = "ended";
    const closing = (async () => iterator.return?.())().catch(() => undefined);
    if (!waited && signal?.aborted !== true) await closing;
  }

  return { next, close };
}

function allocate(size: number): Uint8Array {
  return Buffer.allocUnsafeSlow(size);
}

function grown(old: Uint8Array, size: number): Uint8Array {
  const made = allocate(Math.max(size, 1));
  made.set(old);
  return made;
}

function tooLarge({ key, name, objectBytesMax }: PartReaderOptions): StoreError {
  return new StoreError({
    code: "TOO_LARGE",
    operation: "put",
    subject: key,
    source: name,
    message: `the body is longer than ${objectBytesMax} bytes, the most that the service takes`,
  });
}
