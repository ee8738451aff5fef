import { Readable } from "node:stream";
import { type Bytes, collect, type StoreError } from "@bitstore/core";

/** Bytes up to which the whole is allocated before it came: a length is only a claim. */
const preallocatedBytesMax = 64 * 1024 * 1024;

/** Which bytes of an answer's stream are handed out. */
export interface Wanted {
  /** Bytes to leave out at the start, where the whole came for a range. */
  readonly skip: number;
  /** Bytes to hand out; undefined where the service does not say how many there are. */
  readonly length: number | undefined;
  /** Whether the stream goes on after them. */
  readonly isCut: boolean;
}

export interface IncomingBody {
  readonly body: Bytes;
  readonly bytes: () => Promise<Uint8Array>;
  /** Closes the connection, unless the stream has ended. */
  readonly release: () => void;
}

/** Tells how a body failed: a stream that broke, or one that ended after so many bytes. */
export type BodyFailure = (failure: { error: unknown } | { endedAfter: number }) => StoreError;

/**
 * Reads the stream of an answer once, either chunk by chunk or whole. It never ends cleanly before
 * it has given what is wanted, and releases its connection however it ends.
 */
export function incomingBody(stream: Readable, wanted: Wanted, fail: BodyFailure): IncomingBody {
  const { skip, length, isCut } = wanted;
  let isTaken = false;

  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    isTaken = true;
    let given = -skip;
    const end = length ?? Number.POSITIVE_INFINITY;
    try {
      if (end > 0 || !isCut) {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          const from = Math.max(0, -given);
          const view = viewOf(chunk).subarray(from, Math.max(from, end - given));
          given += chunk.byteLength;
          if (view.byteLength > 0) yield view;
          if (isCut && given >= end) return;
        }
      }
    } catch (error) {
      throw fail({ error });
    } finally {
      stream.destroy();
    }
    if (length !== undefined && given < length) throw fail({ endedAfter: Math.max(0, given) });
  }

  const body = chunks();
  return {
    body,
    bytes: () => {
      const isPlain = skip === 0 && !isCut && length !== undefined;
      const isShort = isPlain && length <= preallocatedBytesMax;
      if (!isShort || isTaken || !stream.readable) return collect(body);
      isTaken = true;
      return readWhole(stream, length, fail);
    },
    release: () => {
      stream.destroy();
    },
  };
}

/** Copies a stream of known length into one array; there is no promise for each chunk. */
function readWhole(stream: Readable, length: number, fail: BodyFailure): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // Not from Buffer's pool: the array may be handed on with all of its memory.
    const whole = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    let at = 0;
    stream.on("data", (chunk: Buffer) => {
      // An HTTP parser gives no more than was promised; were it to, the copy would throw.
      if (at + chunk.byteLength <= length) whole.set(chunk, at);
      at += chunk.byteLength;
    });
    // "close" comes last, and after every end: an error is made only where there was none.
    let hasSettled = false;
    stream.once("error", (error) => {
      hasSettled = true;
      reject(fail({ error }));
    });
    stream.once("end", () => {
      hasSettled = at === length;
      if (hasSettled) resolve(whole);
    });
    stream.once("close", () => {
      if (!hasSettled) reject(fail({ endedAfter: at }));
    });
  });
}

/** Releases the connection of an answer whose body nobody wants. */
export function destroyBody(body: unknown): void {
  if (body instanceof Readable) body.destroy();
}

/** A plain array of the same memory: `slice` of a Buffer would copy nothing, against its type. */
function viewOf(chunk: Buffer): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
