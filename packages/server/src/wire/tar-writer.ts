import { once } from "node:events";
import type { Bytes } from "@bitstore/core";
import { type Pack, pack as newPack } from "tar-stream";

/** Writes a tar archive as a stream, one entry after the other. */
export interface TarWriter {
  /** The archive; it is read while entries are written, which wait for it. */
  readonly archive: AsyncIterable<Uint8Array>;
  /** Adds an entry of bytes that are there. Entries may be added at a time; they take turns. */
  addBytes(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds an entry as its bytes come; what they throw leaves the archive broken. */
  addStream(name: string, size: number, bytes: Bytes): Promise<void>;
  finish(): Promise<void>;
  /** Ends the archive where it is. */
  break(error: Error): void;
}

export function tarWriter(): TarWriter {
  const pack: Pack = newPack();
  const broken = new AbortController();
  let failCurrent: (error: Error) => void = () => undefined;
  let turn: Promise<unknown> = Promise.resolve();
  pack.on("error", () => undefined);

  function inTurn(work: () => Promise<void>): Promise<void> {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }
  function stop(error: Error): void {
    broken.abort(error);
    failCurrent(error);
    pack.destroy(error);
  }
  const begin = (
    name: string,
    size: number,
  ): { readonly into: ReturnType<Pack["entry"]>; readonly ended: Promise<void> } => {
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
    ended.catch(() => undefined);
    failCurrent = reject;
    const header = { name, size, mode: 0o644, mtime: new Date(0), type: "file" as const };
    const into = pack.entry(header, (error) => {
      if (error) reject(error);
      else resolve();
    });
    // It fails with the archive, and whoever waits for the entry is told by `ended`.
    into.on("error", () => undefined);
    return { into, ended };
  };

  return {
    archive: bytesOf(pack),
    addBytes: (name, bytes) =>
      inTurn(async () => {
        broken.signal.throwIfAborted();
        const { into, ended } = begin(name, bytes.byteLength);
        into.end(bytes.byteLength === 0 ? null : bytes);
        await ended;
      }),
    addStream: (name, size, bytes) =>
      inTurn(async () => {
        broken.signal.throwIfAborted();
        const { into, ended } = begin(name, size);
        for await (const chunk of bytes) {
          if (!into.write(chunk)) await once(into, "drain", { signal: broken.signal });
        }
        into.end(null);
        await ended;
      }),
    async finish() {
      await turn;
      pack.finalize();
    },
    break: stop,
  };
}

async function* bytesOf(pack: Pack): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of pack) if (chunk instanceof Uint8Array) yield chunk;
}
