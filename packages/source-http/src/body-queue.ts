/** Chunks on their way from a connection to the one reader of a body. */
export interface BodyQueue {
  /** Takes a chunk in; false where the reader is so far behind that the connection must pause. */
  push(chunk: Uint8Array): boolean;
  /** Ends the body, with an error if it failed, at once if what waits is dropped. */
  end(error?: unknown, options?: { readonly drop: boolean }): void;
  /** Whether all has arrived or failed. */
  readonly ended: boolean;
  /** Yields the chunks as they came; throws the error that the body ended with. */
  chunks(): AsyncGenerator<Uint8Array, void, void>;
  /**
   * Resolves to a body whose length is known: to the one chunk that it came in, or to an array of
   * that length that it was copied into as it arrived. `wrongLength` makes the error of a body that
   * turns out to be shorter or longer.
   */
  whole(length: number, wrongLength: (got: number) => Error): Promise<Uint8Array>;
}

/** Bytes that wait for the reader before the connection is paused. */
const queuedBytesMax = 256 * 1024;

/** Makes a queue; `onRoom` is called when a connection that was told to pause may go on. */
export function bodyQueue(onRoom: () => void): BodyQueue {
  const queued: Uint8Array[] = [];
  let queuedBytes = 0;
  let isFull = false;
  let ended: { readonly error: unknown } | undefined;
  let copy: ((chunk: Uint8Array) => void) | undefined;
  let wake: (() => void) | undefined;

  const wakeReader = (): void => {
    const reader = wake;
    wake = undefined;
    reader?.();
  };
  const arrival = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const makeRoom = (): void => {
    if (!isFull || queuedBytes > queuedBytesMax / 2) return;
    isFull = false;
    onRoom();
  };

  return {
    push(chunk) {
      if (copy !== undefined) {
        copy(chunk);
        return true;
      }
      queued.push(chunk);
      queuedBytes += chunk.byteLength;
      isFull ||= queuedBytes >= queuedBytesMax;
      wakeReader();
      return !isFull;
    },
    end(error, options) {
      ended ??= { error };
      if (options?.drop === true) queued.length = 0;
      wakeReader();
    },
    get ended() {
      return ended !== undefined;
    },
    async *chunks() {
      for (;;) {
        const chunk = queued.shift();
        if (chunk !== undefined) {
          queuedBytes -= chunk.byteLength;
          makeRoom();
          yield chunk;
        } else if (ended === undefined) {
          await arrival();
        } else if (ended.error === undefined) {
          return;
        } else {
          throw ended.error;
        }
      }
    },
    async whole(length, wrongLength) {
      const [only] = queued;
      const isHere = ended !== undefined && ended.error === undefined;
      if (isHere && queued.length === 1 && only?.byteLength === length) return only;
      // Its own memory, not a slice of Node's pool, which a cache would keep alive for each blob.
      const target = Buffer.allocUnsafeSlow(length);
      let at = 0;
      copy = (chunk) => {
        const room = length - at;
        if (room > 0) target.set(chunk.byteLength > room ? chunk.subarray(0, room) : chunk, at);
        at += chunk.byteLength;
      };
      queued.splice(0).forEach(copy);
      queuedBytes = 0;
      makeRoom();
      if (ended === undefined) await arrival();
      if (ended?.error !== undefined) throw ended.error;
      if (at !== length) throw wrongLength(at);
      return target;
    },
  };
}
