import { mkdir, rm, stat, utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 500;
const heartbeatMs = 5_000;
/** Several heartbeats, for a machine that is busy building. */
const silenceMsMax = 30_000;

/**
 * Runs a task while holding a lock on this machine, so that two runs do not build the same
 * thing twice. It saves work and is not relied on: the results are renamed into place, so two
 * holders (one took over from a dead owner just as another did) harm nobody. The lock is a
 * folder, whose making is atomic, and its owner keeps its time fresh; a process id would not
 * do, since a container hands out the same few again after its cache has outlived it.
 */
export async function withLock<T>(
  lock: string,
  onWait: () => void,
  task: () => Promise<T>,
): Promise<T> {
  let waited = false;
  while (!(await acquire(lock))) {
    if (!waited) onWait();
    waited = true;
    await sleep(pollMs);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    // Somebody may have taken a stalled owner's lock and be done with it already.
    utimes(lock, now, now).catch(() => undefined);
  }, heartbeatMs);
  try {
    return await task();
  } finally {
    clearInterval(heartbeat);
    await rm(lock, { recursive: true, force: true });
  }
}

async function acquire(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const made = await stat(lock).catch(() => undefined);
  if (made !== undefined && Date.now() - made.mtimeMs > silenceMsMax) {
    await rm(lock, { recursive: true, force: true });
  }
  return false;
}
