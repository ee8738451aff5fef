import { existsSync } from "node:fs";
import type { CacheFolder } from "./cache-folder.ts";
import type { CacheIndex, KeyedRow } from "./cache-index.ts";
import { digestOfKey } from "./digest-key.ts";

/**
 * Takes the row out whose file is gone, in a transaction; tells whether it did. The row was read
 * before, so it may be another one by now, of another index even: it is looked up again.
 */
export function forgetEntry(index: CacheIndex, folder: CacheFolder, row: KeyedRow): boolean {
  const digest = digestOfKey(row.key);
  if (index.lookup(row.key)?.seq !== row.seq) return false;
  if (digest !== undefined && existsSync(folder.blobPath(digest))) return false;
  return index.deleteEntry(row.seq);
}
