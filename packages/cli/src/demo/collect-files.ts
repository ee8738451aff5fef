import { createHash } from "node:crypto";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, parseDigest } from "@bitstore/core";

/** A real file, by the digest of its bytes. */
export interface DemoFile {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Bytes of the largest file that is taken, so that a demo is over soon. */
const fileBytesMax = 1024 * 1024;
/** Bytes of all files together. */
const totalBytesMax = 192 * 1024 * 1024;

/**
 * Collects distinct files below a folder, up to a number: without symbolic links, dot-files and what
 * is larger than a mebibyte. The order is that of the file system's names, so runs are alike.
 */
export async function collectFiles(
  folder: string,
  filesMax: number,
  signal: AbortSignal,
): Promise<readonly DemoFile[]> {
  const files = new Map<Digest, DemoFile>();
  let totalBytes = 0;
  for await (const path of walk(folder)) {
    signal.throwIfAborted();
    if (files.size >= filesMax) break;
    const { size } = await lstat(path);
    if (size > fileBytesMax || totalBytes + size > totalBytesMax) continue;
    const hex = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    const digest = parseDigest(`sha256:${hex}`);
    if (files.has(digest)) continue;
    files.set(digest, { path, digest, size });
    totalBytes += size;
  }
  return [...files.values()];
}

async function* walk(folder: string): AsyncGenerator<string, void, void> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}
