import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BlobStore, type Digest, hexOf } from "@bitstore/core";
import { seededBytes } from "@bitstore/conformance";
import { afterEach } from "vitest";
import { type WriteBack, writeBack, type WriteBackOptions } from "../src/index.ts";

export interface JournalDirectory {
  readonly path: string;
  /** Opens the journal; it is disposed when the test ends. */
  open(origin: BlobStore, options?: Partial<WriteBackOptions>): Promise<WriteBack>;
}

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** Makes an empty directory that goes when the test ends. */
export async function journalDirectory(): Promise<JournalDirectory> {
  const path = await mkdtemp(join(tmpdir(), "bitstore-journal-"));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return {
    path,
    async open(origin, options = {}) {
      const { limits, ...rest } = options;
      const journal = await writeBack(origin, {
        directory: path,
        bytesMax: 2 ** 20,
        limits: { drainMs: 50, cancelMs: 50, ...limits },
        ...rest,
      });
      cleanups.push(async () => await journal[Symbol.asyncDispose]());
      return journal;
    },
  };
}

/** Blob number `n` of a size: the same bytes in every process. */
export function blob(n: number, size = 1000): Uint8Array {
  return seededBytes(size, n + 1);
}

export function pendingPath(directory: string, digest: Digest): string {
  const hex = hexOf(digest);
  return join(directory, "pending", "sha256", hex.slice(0, 2), hex);
}

/** A gate that an origin waits at until it is opened. */
export interface Gate {
  readonly wait: () => Promise<void>;
  open(): void;
}

export function gate(): Gate {
  const opened = Promise.withResolvers<void>();
  return { wait: () => opened.promise, open: () => opened.resolve() };
}
