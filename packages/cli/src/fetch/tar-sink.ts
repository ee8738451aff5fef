import { randomUUID } from "node:crypto";
import { type EventEmitter, once } from "node:events";
import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Content, type Digest, isStoreError, StoreError } from "@bitstore/core";
import { pack as newPack, type Pack } from "tar-stream";
import { openJournal } from "./journal.ts";
import type { NameOf } from "./name-template.ts";
import type { Sink } from "./sink.ts";

/** Up to this size a blob waits for its place in the archive in memory. */
const memoryBytesMax = 4 * 2 ** 20;

/**
 * Delivers blobs as entries of a tar archive, one after the other. An entry's header can't be taken
 * back, so a blob is whole and verified before its entry begins: small ones in memory, large ones in
 * a temporary file. A file is written aside and renamed when it is complete; a run that was stopped
 * leaves none, and the next one starts the archive anew.
 */
export async function tarSink(target: string | Writable, nameOf: NameOf): Promise<Sink> {
  const path = typeof target === "string" ? target : undefined;
  const temporary =
    path === undefined ? undefined : join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  const journal = openJournal();
  const pack: Pack = newPack();
  const output =
    typeof target === "string" ? createWriteStream(temporary ?? target, { flags: "wx" }) : target;
  let failure: unknown;
  // The standard output belongs to the process and is not ended with the archive.
  const broken = new AbortController();
  const piped = pipeline(pack, output, { end: path !== undefined }).catch((error: unknown) => {
    failure = error;
    broken.abort();
  });
  let turn: Promise<unknown> = Promise.resolve();
  let complete = false;

  /** Entries take turns: an archive is one stream. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function entry(
    name: string,
    size: number,
    bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<void> {
    if (failure !== undefined) throw archiveError(failure, path);
    const ended = Promise.withResolvers<void>();
    const header = { name, size, mode: 0o644, mtime: new Date(0), type: "file" as const };
    const into = pack.entry(header, (error) => {
      if (error) ended.reject(archiveError(failure ?? error, path));
      else ended.resolve();
    });
    ended.promise.catch(() => undefined);
    for await (const chunk of bytes) {
      if (!into.write(chunk)) await drained(into, broken.signal);
      if (failure !== undefined) throw archiveError(failure, path);
    }
    into.end(null);
    await Promise.race([ended.promise, piped]);
    if (failure !== undefined) throw archiveError(failure, path);
  }

  async function deliver(content: Content, digest: Digest): Promise<number> {
    const name = nameOf(digest);
    if (content.size !== undefined && content.size <= memoryBytesMax) {
      const bytes = await content.bytes();
      await inTurn(() => entry(name, bytes.byteLength, [bytes]));
      return bytes.byteLength;
    }
    const aside = join(tmpdir(), `.bitstore-tar-${process.pid}-${randomUUID()}`);
    const file = await open(aside, "wx+", 0o600);
    try {
      await rm(aside);
      let size = 0;
      for await (const chunk of content.body) {
        await file.appendFile(chunk);
        size += chunk.byteLength;
      }
      const bytes = file.createReadStream({ start: 0, autoClose: false });
      await inTurn(() => entry(name, size, bytes));
      return size;
    } finally {
      await file.close();
    }
  }

  return {
    seen: journal,
    present: () => Promise.resolve(undefined),
    deliver,
    async finish() {
      await turn;
      pack.finalize();
      await piped;
      if (failure !== undefined) throw archiveError(failure, path);
      if (path !== undefined && temporary !== undefined) {
        const file = await open(temporary, "r+");
        await file.sync();
        await file.close();
        await rename(temporary, path);
      }
      complete = true;
    },
    async [Symbol.asyncDispose]() {
      journal[Symbol.dispose]();
      if (complete) return;
      pack.destroy();
      if (path !== undefined) output.destroy();
      if (temporary !== undefined) await rm(temporary, { force: true });
    },
  };
}

/** Waits until a stream takes more, or until the archive broke: whoever waits looks which. */
async function drained(stream: EventEmitter, signal: AbortSignal): Promise<void> {
  await once(stream, "drain", { signal }).catch(() => undefined);
}

function archiveError(cause: unknown, path: string | undefined): unknown {
  if (isStoreError(cause)) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const message =
    code === "ENOSPC" ? "the disk is full" : `the archive can't be written (${code || "stream"})`;
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "fetch",
    subject: path ?? "standard output",
    message,
    persistence: "permanent",
    cause,
  });
}
