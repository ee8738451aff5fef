import { abortedError, type Clock, StoreError } from "@bitstore/core";

/** Room that one put holds until its blob is pending, or the put has failed. */
export interface Reservation {
  /** Bytes that it has. */
  readonly bytes: number;
  /** Waits until it has as many bytes. */
  grow(bytes: number, signal: AbortSignal | undefined): Promise<void>;
  /** Hands the room on to a pending blob of a size; the rest is free again. */
  commit(size: number): void;
  /** Gives all back, unless it was committed. May be called again. */
  cancel(): void;
}

/** Gives out the journal's budget. Who finds none left waits in line, and is never let in beyond. */
export interface Room {
  reserve(bytes: number, signal: AbortSignal | undefined): Promise<Reservation>;
  /** Takes room for a blob that is there already, whatever the budget. */
  occupy(size: number): void;
  /** Gives the room of a pending blob back. */
  free(size: number): void;
  /** Bytes of pending blobs and of puts under way. */
  usedBytes(): number;
}

export interface RoomOptions {
  readonly bytesMax: number;
  readonly entriesMax: number;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly source: string;
}

interface Want {
  readonly bytes: number;
  readonly entries: number;
  grant(): void;
  refuse(error: StoreError): void;
}

export function createRoom(options: RoomOptions): Room {
  const { bytesMax, entriesMax, waitMs, clock, source } = options;
  let usedBytes = 0;
  let usedEntries = 0;
  /** Puts that hold room, and may wait for more. */
  let holders = 0;
  const fresh: Want[] = [];
  /** They go before the fresh ones, since what they hold is free only once they are done. */
  const growing: Want[] = [];

  const fits = ({ bytes, entries }: Want): boolean =>
    usedBytes + bytes <= bytesMax && usedEntries + entries <= entriesMax;

  function pump(): void {
    for (const line of [growing, fresh]) {
      for (let want = line[0]; want !== undefined; want = line[0]) {
        if (!fits(want)) break;
        line.shift();
        usedBytes += want.bytes;
        usedEntries += want.entries;
        want.grant();
      }
      if (line.length > 0) break;
    }
    // Where all that is held is held by puts that wait for more, one of them has to go.
    if (growing.length > 0 && growing.length === holders && usedEntries === holders) {
      growing.pop()?.refuse(noRoom());
    }
  }

  function take(
    line: Want[],
    bytes: number,
    entries: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortedError("put", signal));
        return;
      }
      const leave = (error: StoreError): void => {
        const at = line.indexOf(want);
        if (at >= 0) line.splice(at, 1);
        want.refuse(error);
        pump();
      };
      const onAbort = (): void => {
        if (signal !== undefined) leave(abortedError("put", signal));
      };
      const cancelTimer = clock.after(waitMs, () => leave(noRoom()));
      const over = (): void => {
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
      };
      const want: Want = {
        bytes,
        entries,
        grant: () => {
          over();
          if (entries > 0) holders += 1;
          resolve();
        },
        refuse: (error) => {
          over();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      line.push(want);
      pump();
    });
  }

  function noRoom(): StoreError {
    return new StoreError({
      code: "RATE_LIMITED",
      operation: "put",
      source,
      message: "the journal is full of what the origin has not taken yet; put it again later",
      retryAfterMs: waitMs,
    });
  }

  function give(bytes: number, entries: number): void {
    usedBytes -= bytes;
    usedEntries -= entries;
    pump();
  }

  return {
    async reserve(bytes, signal) {
      await take(fresh, bytes, 1, signal);
      let held = bytes;
      let isOpen = true;
      return {
        get bytes() {
          return held;
        },
        async grow(to, growSignal) {
          if (to <= held) return;
          await take(growing, to - held, 0, growSignal);
          held = to;
        },
        commit(size) {
          isOpen = false;
          holders -= 1;
          give(held - size, 0);
        },
        cancel() {
          if (!isOpen) return;
          isOpen = false;
          holders -= 1;
          give(held, 1);
        },
      };
    },
    occupy(size) {
      usedBytes += size;
      usedEntries += 1;
    },
    free: (size) => give(size, 1),
    usedBytes: () => usedBytes,
  };
}
