import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BlobStore, type Digest, hexOf, parseDigest } from "@bitstore/core";
import type { DemoFile } from "./collect-files.ts";

/** Where the files of a demo lie before it starts. */
export interface Planted {
  readonly customer: readonly DemoFile[];
  readonly ours: readonly DemoFile[];
  readonly api: readonly DemoFile[];
  /** Has wrong bytes in `customer` and the right ones in `ours`. */
  readonly corrupt: Digest;
  /** Is nowhere. */
  readonly missing: Digest;
}

/** Puts in work at a time. */
const putsAtOnce = 16;

/** Spreads files over two buckets and the API, two fifths, two fifths and one fifth of them. */
export function spread(files: readonly DemoFile[]): Planted {
  const customer = files.filter((_, index) => index % 5 < 2);
  const corrupt = customer[0];
  if (corrupt === undefined) throw new Error("a demo needs a file at least");
  return {
    customer,
    ours: [corrupt, ...files.filter((_, index) => index % 5 === 2 || index % 5 === 3)],
    api: files.filter((_, index) => index % 5 === 4),
    corrupt: corrupt.digest,
    missing: parseDigest(`sha256:${"0123456789abcdef".repeat(4)}`),
  };
}

/** Puts files into a store, some at a time. */
export async function putAll(store: BlobStore, files: readonly DemoFile[]): Promise<void> {
  const left = files.values();
  const worker = async (): Promise<void> => {
    for (const { path, digest } of left) await store.put(await readFile(path), { digest });
  };
  await Promise.all(Array.from({ length: putsAtOnce }, worker));
}

/** Flips one bit of a blob behind the store's back, as a rotting disk does. */
export async function corruptBlob(folder: string, digest: Digest): Promise<void> {
  const hex = hexOf(digest);
  const path = join(folder, "sha256", hex.slice(0, 2), hex.slice(2, 4), hex);
  const bytes = await readFile(path);
  if (bytes.length === 0) await truncate(path, 1);
  else {
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(path, bytes);
  }
}
