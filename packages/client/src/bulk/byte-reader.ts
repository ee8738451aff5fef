import type { Bytes } from "@bitstore/core";

/** Takes a stream apart by counts of bytes. */
export interface ByteReader {
  /** Resolves to so many bytes in one array, or to fewer where the stream ends before. */
  take(count: number): Promise<Uint8Array>;
  /** Yields so many bytes as they come, or fewer where the stream ends before. */
  next(count: number): AsyncGenerator<Uint8Array, void, void>;
  /** Ends the stream. */
  close(): void;
}

export function byteReader(stream: Bytes): ByteReader {
  const chunks = stream[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array(0);

  async function* next(count: number): AsyncGenerator<Uint8Array, void, void> {
    let left = count;
    while (left > 0) {
      if (held.byteLength === 0) {
        const step = await chunks.next();
        if (step.done === true) return;
        held = step.value;
        continue;
      }
      const part = held.subarray(0, left);
      held = held.subarray(part.byteLength);
      left -= part.byteLength;
      yield part;
    }
  }
  return {
    next,
    async take(count) {
      const whole = new Uint8Array(count);
      let at = 0;
      for await (const part of next(count)) {
        whole.set(part, at);
        at += part.byteLength;
      }
      return whole.subarray(0, at);
    },
    close() {
      void chunks.return?.()?.catch(() => undefined);
    },
  };
}
