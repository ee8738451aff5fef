import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DiskCache, diskCache, type DiskCacheOptions } from "@bitstore/cache-disk";
import type { Content, Digest } from "@bitstore/core";
import { seededBytes } from "@bitstore/conformance";
import { afterEach } from "vitest";
import { block } from "./disk-walk.ts";

export interface CacheDirectory {
  readonly path: string;
  /** Opens a cache in the directory; it is disposed when the test ends. */
  open(options?: Partial<DiskCacheOptions>): Promise<DiskCache>;
}

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
});

/** Makes an empty directory that goes when the test ends. */
export async function cacheDirectory(parent: string = tmpdir()): Promise<CacheDirectory> {
  const path = await mkdtemp(join(parent, "bitstore-cache-"));
  cleanups.push(() => rm(path, { recursive: true, force: true }));
  return {
    path,
    async open(options = {}) {
      const cache = await diskCache({ directory: path, bytesMax: 64 * block, ...options });
      cleanups.push(async () => await cache[Symbol.asyncDispose]());
      return cache;
    },
  };
}

/** Blob number `n` of a size: the same bytes in every process. */
export function blob(n: number, size = 1000): Uint8Array {
  return seededBytes(size, n + 1);
}

export function blobPath(directory: string, digest: Digest): string {
  const [algorithm = "", hex = ""] = digest.split(":");
  return join(directory, "blobs", algorithm, hex.slice(0, 2), hex.slice(2, 4), hex);
}

export async function bytesOf(content: Content | undefined): Promise<Uint8Array | undefined> {
  return await content?.bytes();
}

export async function digestsOf(cache: DiskCache): Promise<Digest[]> {
  const digests: Digest[] = [];
  for await (const { digest } of cache.list()) digests.push(digest);
  return digests;
}
