import type { Bytes } from "./bytes.ts";
import { abortedError } from "./errors.ts";

/**
 * Settles as the promise does, or rejects with ABORTED as soon as the signal aborts, whether or not
 * whoever made the promise heeds it. Its listener goes with it.
 */
export function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  operation: string,
  subject?: string,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError(operation, signal, subject));
    const settled = (): void => signal.removeEventListener("abort", onAbort);
    promise.then(resolve, reject).then(settled, settled);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Passes a stream on until it ends or the signal aborts, even where the stream waits for ever: it is
 * closed then, but not waited for, since a generator ends only when what it waits for has come.
 */
export async function* untilAborted(
  stream: Bytes,
  signal: AbortSignal | undefined,
  operation: string,
  subject?: string,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = stream[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = await orAborted(chunks.next(), signal, operation, subject);
      isOver = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!isOver) closeUnawaited(chunks);
  }
}

/** Closes an iterator without waiting for it, whatever it does about that. */
export function closeUnawaited(iterator: AsyncIterator<unknown>): void {
  const close = async (): Promise<unknown> => await iterator.return?.();
  close().catch(() => undefined);
}

/** A signal of one's own that aborts with another's too. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  /** Lets go of the other signal, which may live for very long. */
  release(): void;
}

/** Makes a signal that aborts with the outer one, or alone. */
export function linkedAbort(outer: AbortSignal | undefined): LinkedAbort {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted) onAbort();
  else outer?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => outer?.removeEventListener("abort", onAbort),
  };
}
