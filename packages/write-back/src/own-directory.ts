import { abortedError, isStoreError, sleep, StoreError } from "@bitstore/core";
import type { FileLock } from "./file-layer.ts";
import type { JournalFolder } from "./journal-folder.ts";
import type { WriteBackSettings } from "./settings.ts";

/** What tells this refusal from the other reasons for which a directory can't be opened. */
const ownedElsewhere = "JOURNAL_OWNED";

/** Tells whether a journal could not be opened because another process owns its directory. */
export function isOwnedElsewhere(error: unknown): boolean {
  return isStoreError(error, "UNAVAILABLE") && error.serviceCode === ownedElsewhere;
}

/**
 * Takes the lock of a directory's one owner. Where another process has it, rejects with UNAVAILABLE,
 * or waits until that one has ended, however it ended.
 */
export async function ownDirectory(
  folder: JournalFolder,
  settings: WriteBackSettings,
): Promise<FileLock> {
  const { files, clock, limits, takeover, signal, name } = settings;
  for (;;) {
    if (signal?.aborted) throw abortedError("open", signal, folder.root);
    const lock = files.tryLock(folder.ownerPath);
    if (lock !== undefined) return lock;
    if (takeover === "refuse") {
      throw new StoreError({
        code: "UNAVAILABLE",
        operation: "open",
        subject: `directory ${JSON.stringify(folder.root)}`,
        source: name,
        serviceCode: ownedElsewhere,
        message: "another process owns the journal; put to the origin, or wait for that to end",
      });
    }
    await sleep(clock, limits.takeoverMs, signal).catch(() => undefined);
  }
}
