import { abortedError, type Body, concat, openBody } from "@bitstore/core";

/** A piece of a body. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** The body ended with it. */
  readonly isLast: boolean;
}

/** Cuts a body into pieces. It opens the body once, at the first piece. */
export interface BodyReader {
  /** Bytes of the pieces so far. */
  readonly bytesRead: number;
  /** Whether it makes use of `into`: an array is cut without a copy. */
  readonly copies: boolean;
  /**
   * Resolves to the next piece, of `bytesMax` unless it is the last. The bytes may be those of
   * `into`, which must have room for them, or of the body's own chunk where that is all of it.
   * Rejects with the body's own error as it is, and as soon as the signal aborts.
   */
  read(bytesMax: number, into?: Uint8Array): Promise<Piece>;
  /** Closes the body, unless it has ended. Does not wait: it may be one that hangs. */
  close(): void;
}

export function bodyReader(body: Body, signal: AbortSignal, subject: string): BodyReader {
  return body instanceof Uint8Array ? arrayReader(body) : streamReader(body, signal, subject);
}

function arrayReader(whole: Uint8Array): BodyReader {
  let at = 0;
  return {
    get bytesRead() {
      return at;
    },
    copies: false,
    async read(bytesMax) {
      const bytes = whole.subarray(at, at + bytesMax);
      at += bytes.byteLength;
      return { bytes, isLast: at === whole.byteLength };
    },
    close: () => undefined,
  };
}

function streamReader(body: Body, signal: AbortSignal, subject: string): BodyReader {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  let hasEnded = false;
  let bytesRead = 0;
  /** What is left of the last chunk; never empty. */
  let rest: Uint8Array | undefined;
  let rejectWaiting: ((error: Error) => void) | undefined;
  const onAbort = (): void => rejectWaiting?.(abortedError("put", signal, subject));
  signal.addEventListener("abort", onAbort);

  /** Makes `rest` the next bytes, or undefined where the body has ended. */
  async function advance(): Promise<void> {
    while (rest === undefined && !hasEnded) {
      iterator ??= openBody(body)[Symbol.asyncIterator]();
      const next = await nextOrAborted(iterator);
      if (next.done === true) hasEnded = true;
      else if (next.value.byteLength > 0) rest = next.value;
    }
  }

  function nextOrAborted(from: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      rejectWaiting = reject;
      if (signal.aborted) onAbort();
      else from.next().then(resolve, reject);
    });
  }

  return {
    get bytesRead() {
      return bytesRead;
    },
    copies: true,
    async read(bytesMax, into) {
      const chunks: Uint8Array[] = [];
      let filled = 0;
      await advance();
      while (rest !== undefined && filled < bytesMax) {
        const chunk = rest.subarray(0, bytesMax - filled);
        rest = chunk.byteLength < rest.byteLength ? rest.subarray(chunk.byteLength) : undefined;
        if (into === undefined) chunks.push(chunk);
        else into.set(chunk, filled);
        filled += chunk.byteLength;
        // Before the piece is handed out, so that the last one is known to be it.
        await advance();
      }
      bytesRead += filled;
      const bytes = into === undefined ? concat(chunks, filled) : into.subarray(0, filled);
      return { bytes, isLast: rest === undefined };
    },
    close() {
      signal.removeEventListener("abort", onAbort);
      if (hasEnded) return;
      hasEnded = true;
      rest = undefined;
      // What it throws now is of no use: the put has failed already.
      void Promise.resolve(iterator?.return?.()).catch(() => undefined);
    },
  };
}
