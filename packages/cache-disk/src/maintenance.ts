import { sleep, throwIfAborted } from "@bitstore/core";
import type { CacheParts } from "./cache-parts.ts";
import { toStoreError } from "./disk-fault.ts";
import { recoverDead } from "./recover.ts";
import { isDiskFull } from "./relief.ts";
import { type ReindexReport, walkBlobs } from "./walk.ts";

/** How often an abort is looked for while a walk goes on. */
const pollMs = 50;

/** Brings a cache into order, in the background where that takes long. */
export interface Maintenance {
  /** Says that the index has not seen all files, so that a walk is due. */
  walkIsDue(): void;
  /** Begins a walk that has failed once more: until one has ended, files not seen take all the room. */
  walkAgain(): void;
  /** Resolves when the index has seen all files; rejects where the walk can't be done. */
  whenWalked(signal: AbortSignal | undefined, operation: string): Promise<void>;
  reindex(signal: AbortSignal): Promise<ReindexReport>;
  /** Does what is due when a cache is opened; resolves when it is done, or after `openWaitMs`. */
  start(): Promise<void>;
}

export function maintenance(parts: CacheParts): Maintenance {
  const { settings, room, departures, guard } = parts;
  let walking: Promise<void> | undefined;
  let failure: unknown;

  async function reindex(signal: AbortSignal): Promise<ReindexReport> {
    const report = await walkBlobs(parts, () => throwIfAborted(signal, "reindex"));
    await room.shrink(settings.budget, "reindex", signal);
    return report;
  }

  function walkIsDue(): void {
    walking ??= parts
      .background(async (signal) => {
        failure = undefined;
        await reindex(signal).catch((error: unknown) => {
          failure = error;
        });
      })
      .finally(() => {
        walking = undefined;
      });
  }

  function walkAgain(): void {
    if (failure !== undefined) walkIsDue();
  }

  async function whenWalked(signal: AbortSignal | undefined, operation: string): Promise<void> {
    // A walk that failed is tried once more by whoever needs it.
    walkAgain();
    while (walking !== undefined) {
      throwIfAborted(signal, operation);
      await eitherOf(walking, pollMs);
    }
    if (failure !== undefined) throw toStoreError(failure, { operation, source: settings.name });
  }

  /** Waits for one or the other, and leaves no timer behind. */
  async function eitherOf(work: Promise<unknown>, delayMs: number): Promise<void> {
    const timer = new AbortController();
    await Promise.race([work, sleep(settings.clock, delayMs, timer.signal).catch(() => undefined)]);
    timer.abort();
  }

  async function tidy(signal: AbortSignal): Promise<void> {
    await whenWalked(signal, "open");
    await room.shrink(settings.budget, "open", signal);
  }

  return {
    walkIsDue,
    walkAgain,
    whenWalked,
    reindex,
    async start() {
      if (guard.hasUnseen()) walkIsDue();
      try {
        await departures.write("open", (index) => index.setBudget(settings.budget));
        await recoverDead(parts);
      } catch (error) {
        // Reads are served from a full disk too; what is to be cleared up waits for the next put.
        if (!isDiskFull(error)) throw error;
      }
      await eitherOf(parts.background(tidy), settings.limits.openWaitMs);
    },
  };
}
