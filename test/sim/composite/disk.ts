import type { Scheduler } from "@bitstore/conformance";

/** A disk of temporary files in memory, whose reads and writes go step by step. */
export interface Disk {
  open(): Promise<DiskFile>;
  /** Files that nobody has closed. */
  readonly openFiles: number;
  /** Times that it was full. */
  readonly fills: number;
}

/** As much of a file handle as a spool uses. */
export interface DiskFile {
  read(into: Uint8Array, from: number, length: number, at: number): Promise<{ bytesRead: number }>;
  write(
    bytes: Uint8Array,
    from: number,
    length: number,
    at: number,
  ): Promise<{ bytesWritten: number }>;
  close(): Promise<void>;
}

export interface DiskOptions {
  /** Bytes at which it is full; none if left out. */
  readonly fullAt?: number | undefined;
  /** Bytes that one call moves at most, as real ones may. */
  readonly pieceBytesMax: number;
}

/** Makes a disk. It is as slow as the scheduler decides; a full one says ENOSPC. */
export function disk(sim: Scheduler, { fullAt, pieceBytesMax }: DiskOptions): Disk {
  let openFiles = 0;
  let fills = 0;
  const lane = "disk";
  return {
    get openFiles() {
      return openFiles;
    },
    get fills() {
      return fills;
    },
    async open() {
      await sim.point(lane, "open a file");
      openFiles += 1;
      let data = new Uint8Array();
      let closed = false;
      const check = (): void => {
        if (closed) throw Object.assign(new Error("file closed"), { code: "EBADF" });
      };
      return {
        async read(into, from, length, at) {
          check();
          await sim.point(lane, `read at ${at}`);
          const piece = data.subarray(at, at + Math.min(length, pieceBytesMax));
          into.set(piece, from);
          return { bytesRead: piece.byteLength };
        },
        async write(bytes, from, length, at) {
          check();
          await sim.point(lane, `write at ${at}`);
          const piece = bytes.subarray(from, from + Math.min(length, pieceBytesMax));
          const end = at + piece.byteLength;
          if (fullAt !== undefined && end > fullAt) {
            fills += 1;
            throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
          }
          if (end > data.byteLength) {
            const longer = new Uint8Array(end);
            longer.set(data);
            data = longer;
          }
          data.set(piece, at);
          return { bytesWritten: piece.byteLength };
        },
        close() {
          if (!closed) openFiles -= 1;
          closed = true;
          return Promise.resolve();
        },
      };
    },
  };
}
