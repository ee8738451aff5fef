import { lstat, opendir, rm } from "node:fs/promises";
import { errnoOf } from "./to-store-error.ts";

/** Milliseconds after which a temporary file has no writer any more: a day without a write. */
const temporaryStaleMs = 24 * 3_600_000;

/**
 * Removes what writers that were killed have left in a folder of temporary files. A file that is
 * still written to is young, however long its upload takes.
 */
export async function removeStale(folder: string, nowMs: number): Promise<void> {
  try {
    for await (const { name } of await opendir(folder)) {
      const path = `${folder}/${name}`;
      const { mtimeMs, ctimeMs } = await lstat(path);
      // The change time counts too, since the modification time of a file is the writer's to set.
      if (nowMs - Math.max(mtimeMs, ctimeMs) < temporaryStaleMs) continue;
      await rm(path, { recursive: true, force: true });
    }
  } catch (error) {
    // Another process removes them too, and a bucket that may not be written has none of its own.
    const harmless = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS"];
    if (!harmless.includes(errnoOf(error) ?? "")) throw error;
  }
}
