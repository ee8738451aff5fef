import { type Body, type Bytes, closeUnawaited, concat, openBody } from "@bitstore/core";

/** Reads a body in pieces, and can be stopped from outside while the body hangs. */
export interface BodyReader {
  /**
   * Resolves to the next so many bytes, fewer at the end of the body only. Rejects with the body's
   * own error as it is, and with what {@link stop} was given. Without a copy where one chunk has
   * them all; else they are copied into `room()`, which has so many bytes, as they come. Called
   * once at a time.
   */
  take(bytes: number, room?: () => Uint8Array): Promise<Uint8Array>;
  /** Resolves to whether the body has ended: nothing follows what was taken. */
  ended(): Promise<boolean>;
  /** Lets what waits, and what is asked later, reject; closes the body without waiting for it. */
  stop(reason: unknown): void;
}

/** Opens a body, once. A factory that throws does so here. */
export function bodyReader(body: Body): BodyReader {
  const stream: Bytes = openBody(body);
  const iterator = stream[Symbol.asyncIterator]();
  let rest: Uint8Array | undefined;
  let over = false;
  let stopped: { readonly reason: unknown } | undefined;
  let rejectWaiting: ((reason: unknown) => void) | undefined;

  /** Resolves to the next chunk that has bytes; undefined at the end. */
  async function pull(): Promise<Uint8Array | undefined> {
    while (!over) {
      const { done, value } = await next();
      if (done === true) over = true;
      else if (value.byteLength > 0) return value;
    }
    return undefined;
  }

  function next(): Promise<IteratorResult<Uint8Array, unknown>> {
    if (stopped !== undefined) return Promise.reject(stopped.reason);
    return new Promise((resolve, reject) => {
      rejectWaiting = reject;
      iterator.next().then(resolve, (error: unknown) => {
        // A body that has thrown is over: there is nothing to close.
        over = true;
        reject(error);
      });
    });
  }

  /** Resolves to the next chunk, at most so long; undefined at the end. */
  async function takeChunk(bytesMax: number): Promise<Uint8Array | undefined> {
    const chunk = rest ?? (await pull());
    rest = undefined;
    if (chunk === undefined || chunk.byteLength <= bytesMax) return chunk;
    rest = chunk.subarray(bytesMax);
    return chunk.subarray(0, bytesMax);
  }

  async function take(bytes: number, room?: () => Uint8Array): Promise<Uint8Array> {
    const first = await takeChunk(bytes);
    if (first === undefined) return new Uint8Array(0);
    if (first.byteLength === bytes) return first;
    return room === undefined ? gather(first, bytes) : fill(first, bytes, room());
  }

  async function gather(first: Uint8Array, bytes: number): Promise<Uint8Array> {
    const chunks = [first];
    let size = first.byteLength;
    while (size < bytes) {
      const chunk = await takeChunk(bytes - size);
      if (chunk === undefined) break;
      chunks.push(chunk);
      size += chunk.byteLength;
    }
    return concat(chunks, size);
  }

  async function fill(first: Uint8Array, bytes: number, room: Uint8Array): Promise<Uint8Array> {
    room.set(first);
    let size = first.byteLength;
    while (size < bytes) {
      const chunk = await takeChunk(bytes - size);
      if (chunk === undefined) break;
      room.set(chunk, size);
      size += chunk.byteLength;
    }
    return room.subarray(0, size);
  }

  return {
    take,
    ended: async () => {
      rest ??= await pull();
      return rest === undefined;
    },
    stop: (reason) => {
      if (stopped !== undefined) return;
      stopped = { reason };
      rejectWaiting?.(reason);
      // Not awaited: a generator that hangs answers this only when it goes on.
      if (!over) closeUnawaited(iterator);
      over = true;
    },
  };
}
