import { orAborted } from "../abort.ts";
import type { Clock } from "../clock.ts";
import type { Digest } from "../digest.ts";
import { StoreError } from "../errors.ts";

/** What became of bringing a blob back: `refused` for want of the right to write. */
export type Restored = "restored" | "refused" | "gone";

/** Brings a blob back; `touch` says that it goes on. */
export type Restore = (signal: AbortSignal, touch: () => void) => Promise<Restored>;

/**
 * Brings large blobs back apart from those who ask for them: who gives up does not end it, and who
 * asks again finds it further on. Disposing waits for a few seconds, and ends what is left.
 */
export interface DetachedRestores extends AsyncDisposable {
  /** Begins it, or joins the one under way; undefined where as many are under way as may be. */
  start(digest: Digest, restore: Restore): Promise<Restored> | undefined;
  /** Ends the one of a blob that is under way. */
  end(digest: Digest): Promise<void>;
}

/** Restores under way at a time, of one store. */
const restoresMax = 4;
/** Milliseconds without a chunk, or without an answer after the last, that end one. */
const restoreStallMs = 60_000;
/** Milliseconds that disposing waits for. */
const restoreEndMsMax = 5000;

export function detachedRestores(clock: Clock, source: string): DetachedRestores {
  const running = new Map<
    Digest,
    { readonly done: Promise<Restored>; end(reason: unknown): void }
  >();
  let isOver = false;

  function begin(digest: Digest, restore: Restore): Promise<Restored> {
    const stop = new AbortController();
    let cancel = (): void => undefined;
    const touch = (): void => {
      cancel();
      // One that was ended may go on for a while, and holds no timer.
      if (stop.signal.aborted) return;
      cancel = clock.after(restoreStallMs, () => stop.abort(stalled(digest, source)));
    };
    touch();
    const done = orAborted(restore(stop.signal, touch), stop.signal, "open", digest).finally(() => {
      stop.abort();
      cancel();
      running.delete(digest);
    });
    // Whoever reads next tries again; those who wait for it are told.
    done.catch(() => undefined);
    running.set(digest, { done, end: (reason) => stop.abort(reason) });
    return done;
  }

  return {
    start: (digest, restore) =>
      running.get(digest)?.done ??
      (isOver || running.size >= restoresMax ? undefined : begin(digest, restore)),
    async end(digest) {
      const restore = running.get(digest);
      restore?.end(undefined);
      await restore?.done.catch(() => undefined);
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      const left = [...running.values()];
      if (left.length === 0) return;
      const cancel = clock.after(restoreEndMsMax, () => {
        for (const { end } of left) end(undefined);
      });
      await Promise.allSettled(left.map(({ done }) => done));
      cancel();
    },
  };
}

function stalled(subject: Digest, source: string): StoreError {
  return new StoreError({
    code: "TIMEOUT",
    operation: "open",
    subject,
    source,
    message: `bringing it back from the trash made no progress for ${restoreStallMs / 1000} s`,
  });
}
