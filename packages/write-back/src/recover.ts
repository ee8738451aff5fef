import type { Journal } from "./journal.ts";
import { scanPending, scanRotten } from "./scan-pending.ts";

/**
 * Takes up what the last owner left, however it ended: temporary files go, since nothing of them was
 * acknowledged; each linked file is pending again, the oldest first. All folders are synced, since the
 * last owner may have died before it had: a name that is seen now must not go, and one that is not must
 * not come back after its blob was deleted.
 */
export async function recover(journal: Journal): Promise<void> {
  const { files, folder, pending, room, settings } = journal;
  const { clock, date, signal } = settings;
  for (const name of await files.listFolder(folder.tmp)) {
    await files.unlink(folder.tmpPath(name));
  }
  for (const [digest, blob] of await scanRotten(journal)) journal.rotten.set(digest, blob);
  const found = await scanPending(journal, signal, async (path) => {
    await folder.ensure(path);
    await folder.sync(path);
  });
  const now = clock.now();
  const today = date();
  for (const { digest, size, modifiedMs } of found) {
    pending.add(digest, size, now - Math.max(0, today - modifiedMs));
    room.occupy(size);
  }
}
