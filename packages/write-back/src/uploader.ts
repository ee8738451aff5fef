import { publishAlarm, type StoreError } from "@bitstore/core";
import { createHeap } from "./heap.ts";
import type { Journal } from "./journal.ts";
import { type PendingEntry, quietSettling } from "./pending.ts";
import { isPassing, uploadBlob, uploadError } from "./upload-blob.ts";

/** Brings what is pending to the origin, the oldest first, and tries again for ever. */
export interface Uploader {
  /** Takes on an entry that is pending. */
  add(entry: PendingEntry): void;
  /** Tries an entry again that the origin has refused. */
  retry(entry: PendingEntry): void;
  uploading(): number;
  lastError(): StoreError | undefined;
  /** Starts no further upload. */
  stop(): void;
  /** Resolves when no upload is under way. */
  idle(): Promise<void>;
  /** Ends the uploads under way; their blobs stay pending. */
  abort(): void;
}

/**
 * Two things are kept apart: a blob that fails rests by itself, longer each time, so that it holds
 * nobody up; and an origin that fails, or refuses one after the other, is left alone for a while, and
 * then asked with one blob before it is asked with many.
 */
export function createUploader(journal: Journal): Uploader {
  const { settings, uploading: running } = journal;
  const { clock, limits, random, concurrencyMax } = settings;
  const waiting = createHeap<PendingEntry>();
  const resting = createHeap<PendingEntry>();
  let failuresInRow = 0;
  let refusalsInRow = 0;
  /** Until when the origin is left alone by our own choice, and until when it asked for that. */
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  let askedUntilMs = Number.NEGATIVE_INFINITY;
  let lastError: StoreError | undefined;
  let cancelTimer: (() => void) | undefined;
  let isStopped = false;

  /** Entries that were deleted, or moved to the other heap, are left behind in a heap. */
  function peekWaiting(): PendingEntry | undefined {
    for (;;) {
      const top = waiting.peek();
      if (top === undefined || top.value.state === "waiting") return top?.value;
      waiting.pop();
    }
  }

  function wakeRested(): number | undefined {
    for (;;) {
      const top = resting.peek();
      if (top === undefined) return undefined;
      const { rank, value } = top;
      const isStale = value.state !== "resting" || value.dueMs !== rank;
      if (!isStale && rank > clock.now()) return rank;
      resting.pop();
      if (!isStale) queue(value);
    }
  }

  function queue(entry: PendingEntry): void {
    entry.state = "waiting";
    waiting.push(entry.rank, entry);
  }

  function pump(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    if (isStopped) return;
    const restedMs = wakeRested();
    const isDown = failuresInRow > 0 || refusalsInRow > limits.refusalsMax;
    const slots = isDown ? 1 : concurrencyMax;
    const leftUntilMs = Math.max(pausedUntilMs, askedUntilMs);
    const isPaused = clock.now() < leftUntilMs;
    while (!isPaused && running.size < slots) {
      const entry = peekWaiting();
      if (entry === undefined) break;
      waiting.pop();
      start(entry);
    }
    const dueMs = Math.min(
      restedMs ?? Number.POSITIVE_INFINITY,
      isPaused && peekWaiting() !== undefined ? leftUntilMs : Number.POSITIVE_INFINITY,
    );
    if (dueMs < Number.POSITIVE_INFINITY) {
      cancelTimer = clock.after(Math.max(1, Math.ceil(dueMs - clock.now())), pump);
    }
  }

  function start(entry: PendingEntry): void {
    entry.state = "uploading";
    const abort = new AbortController();
    running.add(entry);
    const over = uploadBlob(journal, entry, abort.signal)
      .then((outcome) => {
        if (outcome === "arrived") succeeded();
      })
      .catch((error: unknown) => failed(entry, error, abort.signal))
      .finally(() => {
        running.delete(entry);
        entry.upload = undefined;
        pump();
      });
    entry.upload = { abort, over };
  }

  function succeeded(): void {
    failuresInRow = 0;
    refusalsInRow = 0;
    pausedUntilMs = Number.NEGATIVE_INFINITY;
  }

  function failed(entry: PendingEntry, thrown: unknown, signal: AbortSignal): void {
    if (entry.state !== "uploading") return;
    if (signal.aborted) {
      queue(entry);
      return;
    }
    const error = uploadError(thrown, entry, settings.name);
    lastError = error;
    if (isPassing(error)) {
      entry.failures += 1;
      failuresInRow += 1;
      const askedMs = Math.min(error.retryAfterMs ?? 0, limits.retryAfterMsMax);
      if (askedMs > 0) askedUntilMs = Math.max(askedUntilMs, clock.now() + askedMs);
      pauseFor(askedMs + pauseOf(failuresInRow));
      rest(entry, askedMs + pauseOf(entry.failures));
      return;
    }
    // The origin has answered, so the others need not wait, unless it refuses one after the other.
    failuresInRow = 0;
    refusalsInRow += 1;
    if (refusalsInRow > limits.refusalsMax) pauseFor(pauseOf(refusalsInRow - limits.refusalsMax));
    entry.refusal = error;
    entry.settling.reject(error);
    entry.settling = quietSettling();
    rest(entry, limits.refusedRetryMs);
    publishAlarm({
      kind: "upload-refused",
      subject: entry.digest,
      source: error.source ?? settings.name,
      error,
    });
  }

  function pauseFor(delayMs: number): void {
    pausedUntilMs = Math.max(pausedUntilMs, clock.now() + delayMs);
  }

  /** Full jitter: a random part of a bound that doubles. */
  function pauseOf(failures: number): number {
    return random() * Math.min(limits.retryMsMax, limits.retryMs * 2 ** Math.min(failures - 1, 30));
  }

  function rest(entry: PendingEntry, delayMs: number): void {
    entry.state = "resting";
    entry.dueMs = clock.now() + delayMs;
    resting.push(entry.dueMs, entry);
  }

  return {
    add(entry) {
      queue(entry);
      pump();
    },
    retry(entry) {
      if (entry.state !== "resting" || entry.refusal === undefined) return;
      entry.refusal = undefined;
      queue(entry);
      pump();
    },
    uploading: () => running.size,
    lastError: () => lastError,
    stop() {
      isStopped = true;
      cancelTimer?.();
      cancelTimer = undefined;
    },
    async idle() {
      for (const { upload } of running) await upload?.over;
    },
    abort() {
      for (const { upload } of running) upload?.abort.abort();
    },
  };
}
