import type { Bytes } from "@bitstore/core";

/** Chunk sizes that fit no boundary of anything, with empty chunks among them. */
export const oddChunkSizes: readonly number[] = [0, 1, 7, 0, 4096, 13, 65_536, 0, 99_991];

/**
 * Makes a body that yields `bytes` in chunks of these sizes, over and over. An empty chunk comes
 * first and last as well, since drivers have taken one for the end.
 */
export function chunked(bytes: Uint8Array, sizes: readonly number[] = oddChunkSizes): () => Bytes {
  if (!sizes.some((size) => size > 0)) throw new RangeError("every chunk would be empty");
  return async function* () {
    yield new Uint8Array(0);
    let at = 0;
    for (let turn = 0; at < bytes.byteLength; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 0;
      yield bytes.subarray(at, at + size);
      at += size;
    }
    yield new Uint8Array(0);
  };
}

/** A body that tells how it was used. */
export interface ObservedBody {
  readonly body: () => Bytes;
  /** How often a stream was opened. */
  readonly opened: number;
  /** How many of the streams ended, failed or were closed. */
  readonly closed: number;
  /** Resolves when the first stream has been asked for a chunk that it does not have. */
  readonly stalled: Promise<void>;
  /** Lets a stalled stream end. */
  release(): void;
}

export interface BodyScript {
  readonly bytes: Uint8Array;
  readonly chunkBytes?: number | undefined;
  /** What follows the bytes: the end (default), an error, or nothing for ever. */
  readonly ending?: "end" | "stall" | { readonly error: unknown } | undefined;
  /** Whether a stalled stream ignores `return()` too, as a hung generator does. */
  readonly deaf?: boolean | undefined;
}

/**
 * Makes a body that yields bytes and then ends, throws, or stalls until it is closed. It is an
 * iterator by hand, because a generator that waits can't be closed from outside.
 */
export function observedBody(script: BodyScript): ObservedBody {
  const { bytes, chunkBytes = 64 * 1024, ending = "end", deaf = false } = script;
  let opened = 0;
  let closed = 0;
  const stalled = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();

  function open(): AsyncIterator<Uint8Array, void, void> {
    opened += 1;
    let at = 0;
    let over = false;
    const left = Promise.withResolvers<void>();
    const close = (): { readonly done: true; readonly value: undefined } => {
      if (!over) closed += 1;
      over = true;
      return { done: true, value: undefined };
    };
    return {
      async next() {
        if (over) return { done: true, value: undefined };
        if (at < bytes.byteLength) {
          const value = bytes.subarray(at, at + chunkBytes);
          at += value.byteLength;
          return { done: false, value };
        }
        if (ending === "stall") {
          stalled.resolve();
          await Promise.race([released.promise, left.promise]);
          return close();
        }
        close();
        if (ending !== "end") throw ending.error;
        return { done: true, value: undefined };
      },
      async return() {
        if (deaf && ending === "stall") await released.promise;
        left.resolve();
        return close();
      },
    };
  }

  return {
    body: () => ({ [Symbol.asyncIterator]: open }),
    get opened() {
      return opened;
    },
    get closed() {
      return closed;
    },
    stalled: stalled.promise,
    release: () => released.resolve(),
  };
}
