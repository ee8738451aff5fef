import type { Clock } from "@bitstore/core";
import type { JournalFolder } from "./journal-folder.ts";

/**
 * Syncs folders that files were removed from, a while later and together: a file that comes back
 * after a loss of power is uploaded once more, which harms nobody. Before a delete is acknowledged
 * its folder is synced at once, or what was deleted at the origin could come back from here.
 */
export interface LazySync {
  removedFrom(folder: string): void;
  /** Syncs one folder now, if a removal from it is not durable yet. */
  settle(folder: string): Promise<void>;
  settleAll(): Promise<void>;
}

export function createLazySync(folder: JournalFolder, clock: Clock, delayMs: number): LazySync {
  const open = new Set<string>();
  let cancelTimer: (() => void) | undefined;

  async function settle(path: string): Promise<void> {
    if (!open.has(path)) return;
    // Removals from here on are of the next sync; where this one fails they all are.
    open.delete(path);
    try {
      await folder.sync(path);
    } catch (error) {
      open.add(path);
      throw error;
    }
  }

  async function settleAll(): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    for (const path of Array.from(open)) await settle(path);
  }

  return {
    removedFrom(path) {
      open.add(path);
      // A failure is met again by the next settle; the file itself is gone for this process.
      cancelTimer ??= clock.after(delayMs, () => void settleAll().catch(() => undefined));
    },
    settle,
    settleAll,
  };
}
