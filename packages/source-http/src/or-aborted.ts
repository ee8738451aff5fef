import { abortedError, type Bytes } from "@bitstore/core";

/** Waits for a promise, or for the abort of a signal that whoever made the promise may not heed. */
export async function orAborted<T>(
  promise: Promise<T>,
  operation: string,
  subject: string,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortedError(operation, signal, subject));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Passes a stream on until the signal aborts, even where the stream waits for ever. */
export async function* untilAborted(
  stream: Bytes,
  operation: string,
  subject: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = stream[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = await orAborted(chunks.next(), operation, subject, signal);
      isOver = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Nobody waits for its end: a generator ends only when what it waits for has come.
    if (!isOver) endIterator(chunks);
  }
}

/** Ends an iterator, whatever it does about that. */
export function endIterator(chunks: AsyncIterator<unknown>): void {
  const end = async (): Promise<unknown> => await chunks.return?.();
  end().catch(() => undefined);
}
