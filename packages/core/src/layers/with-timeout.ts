import { type Clock, systemClock } from "../clock.ts";
import { type Bytes, collect, openBody } from "../bytes.ts";
import type { Content } from "../content.ts";
import type { Digest } from "../digest.ts";
import { abortedError, StoreError } from "../errors.ts";
import type { BlobStore, CallOptions } from "../source.ts";
import { type Latencies, latencies } from "./latencies.ts";
import { mapContent } from "./map-content.ts";

export interface Timeouts {
  /** Milliseconds until a read's first byte, or until stat or delete answer. */
  readonly firstByteMs: number;
  /**
   * Milliseconds between two chunks of a read while its reader waits for one; where 95 of 100 chunks
   * come later than a quarter of it, four times what they took.
   */
  readonly stallMs: number;
  /**
   * Milliseconds of a put without a chunk taken from its body, or read of what is there already, and
   * until it is acknowledged; more for a large array, as its size needs at 64 KiB a second.
   */
  readonly putStallMs: number;
  readonly clock?: Clock | undefined;
}

export const timeoutsDefault: Timeouts = {
  firstByteMs: 15_000,
  stallMs: 5000,
  putStallMs: 60_000,
};

/**
 * Gives every wait on a store an end: it rejects with TIMEOUT and aborts the request. What counts is
 * the time without progress, so a large blob may take as long as it moves. Put it inside `withRetry`,
 * or one limit covers all the attempts.
 */
export function withTimeout(inner: BlobStore, timeouts: Partial<Timeouts> = {}): BlobStore {
  const { firstByteMs, stallMs, putStallMs } = { ...timeoutsDefault, ...timeouts };
  const clock = timeouts.clock ?? systemClock;
  const gaps = latencies();
  /** A service whose chunks are all slow is not stuck; one that suddenly gives none is. */
  const stallLimitMs = (): number => Math.max(stallMs, stallFactor * (gaps.quantile(0.95) ?? 0));

  function watch(operation: string, subject: Digest | undefined, call: CallOptions): Watch {
    return watchdog(clock, { operation, subject, source: inner.name }, call.signal);
  }
  async function timed<T>(
    operation: string,
    digest: Digest,
    call: CallOptions,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const dog = watch(operation, digest, call);
    try {
      return await dog.within(firstByteMs, ask(dog.signal));
    } finally {
      dog.release();
    }
  }

  return {
    ...inner,
    stat: (digest, call = {}) =>
      timed("stat", digest, call, async (signal) => await inner.stat(digest, { ...call, signal })),
    delete: (digest, call = {}) =>
      timed(
        "delete",
        digest,
        call,
        async (signal) => await inner.delete(digest, { ...call, signal }),
      ),
    async open(digest, call = {}): Promise<Content | undefined> {
      const dog = watch("open", digest, call);
      try {
        const opening = inner.open(digest, { ...call, signal: dog.signal });
        const content = await dog.within(firstByteMs, opening, disposeLate);
        if (content === undefined) {
          dog.release();
          return undefined;
        }
        const body = (from: Bytes): Bytes => paced(from, dog, clock, gaps, stallLimitMs);
        const isLarge = (content.size ?? Number.POSITIVE_INFINITY) > unseenBytesMax;
        return mapContent(content, {
          body,
          // Without chunks to see, a body has the time that its size needs at a slow pace: little for a
          // small one. A large one is looked at chunk by chunk, or a stall would be seen a minute late.
          bytes: (read) =>
            isLarge
              ? collect(body(content.body))
              : dog.within(stallLimitMs() + (content.size ?? 0) / slowBytesPerMs, read()),
          done: () => dog.release(),
        });
      } catch (error) {
        dog.release();
        throw error;
      }
    },
    async put(body, call = {}) {
      const dog = watch("put", call.digest, call);
      try {
        const pulled =
          body instanceof Uint8Array ? body : () => touched(openBody(body), dog, putStallMs);
        // An array is taken all at once, so nothing tells how it gets on: it has the time that its size
        // needs at a slow pace.
        const atOnce = body instanceof Uint8Array ? body.byteLength - unseenBytesMax : 0;
        const wholeMs = Math.max(0, atOnce) / slowBytesPerMs;
        dog.touch(putStallMs + wholeMs);
        const onProgress = (): void => {
          dog.touch(putStallMs + wholeMs);
          call.onProgress?.();
        };
        const putting = inner.put(pulled, { ...call, signal: dog.signal, onProgress });
        return await dog.within(undefined, putting);
      } finally {
        dog.release();
      }
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** How many times the usual wait for a chunk counts as a stall. */
const stallFactor = 4;

/** Bytes that may go or come at once, with nothing seen of their chunks, as fast as one chunk. */
const unseenBytesMax = 256 * 2 ** 10;

/** 64 KiB a second: slower than that, `bytes()` and the put of an array count as stalled. */
const slowBytesPerMs = 64;

interface Watch {
  /** Aborts when the caller's does, or when time is up. */
  readonly signal: AbortSignal;
  /** Starts the time anew. */
  touch(limitMs: number): void;
  /** Waits for work, for a limited time if one is given; `late` takes what comes after it. */
  within<T>(limitMs: number | undefined, work: Promise<T>, late?: (value: T) => void): Promise<T>;
  /** Stops the time. */
  pause(): void;
  release(): void;
}

function watchdog(
  clock: Clock,
  about: {
    readonly operation: string;
    readonly subject: Digest | undefined;
    readonly source: string;
  },
  outer: AbortSignal | undefined,
): Watch {
  const controller = new AbortController();
  // One waits at a time. A promise for all waits would keep what each of them resolved to.
  let giveUp: (error: unknown) => void = () => undefined;
  let failure: { readonly error: unknown } | undefined;
  let cancel: () => void = () => undefined;
  const fail = (error: unknown, reason: unknown): void => {
    failure ??= { error };
    giveUp(error);
    controller.abort(reason);
  };
  const onAbort = (): void => {
    if (outer === undefined) return;
    fail(abortedError(about.operation, outer, about.subject), outer.reason);
  };
  if (outer?.aborted) onAbort();
  else outer?.addEventListener("abort", onAbort, { once: true });

  const touch = (limitMs: number): void => {
    cancel();
    cancel = clock.after(limitMs, () => {
      const message = `no progress for ${Math.round(limitMs)} ms`;
      const error = new StoreError({ ...about, code: "TIMEOUT", message });
      fail(error, error);
    });
  };
  return {
    signal: controller.signal,
    touch,
    within(limitMs, work, late) {
      if (limitMs !== undefined) touch(limitMs);
      let isOver = false;
      return new Promise((resolve, reject) => {
        const end = (): boolean => {
          if (isOver) return false;
          isOver = true;
          giveUp = () => undefined;
          if (limitMs !== undefined) cancel();
          return true;
        };
        giveUp = (error) => {
          if (end()) reject(error);
        };
        if (failure !== undefined) giveUp(failure.error);
        work.then(
          (value) => {
            if (end()) resolve(value);
            else late?.(value);
          },
          (error: unknown) => {
            if (end()) reject(error);
          },
        );
      });
    },
    pause: () => cancel(),
    release() {
      cancel();
      outer?.removeEventListener("abort", onAbort);
    },
  };
}

/** Times the waits for chunks, not the reader's own pauses between them. */
async function* paced(
  body: Bytes,
  dog: Watch,
  clock: Clock,
  gaps: Latencies,
  limitMs: () => number,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const startedMs = clock.now();
      const step = await dog.within(limitMs(), chunks.next());
      gaps.add(clock.now() - startedMs);
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    // A source that is stuck may never close either, and nobody waits for it.
    void chunks.return?.().catch?.(() => undefined);
  }
}

/** Times a put from chunk to chunk, leaving out the time that the body itself takes. */
async function* touched(
  body: Bytes,
  dog: Watch,
  putStallMs: number,
): AsyncGenerator<Uint8Array, void, void> {
  dog.pause();
  try {
    for await (const chunk of body) {
      dog.touch(putStallMs);
      yield chunk;
      dog.pause();
    }
  } finally {
    // Also of a body that threw: the store has to say something to that in time.
    dog.touch(putStallMs);
  }
}

function disposeLate(content: Content | undefined): void {
  void content?.[Symbol.asyncDispose]();
}
