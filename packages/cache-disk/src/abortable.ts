import { abortedError, type Body, openBody } from "@bitstore/core";

/**
 * Iterates a body, and throws ABORTED as soon as the signal aborts, even while the body stalls. The
 * body is closed then, but not waited for. A stream that ends or throws is passed on as it is.
 */
export async function* abortableBody(
  body: Body,
  signal: AbortSignal,
  subject?: string,
): AsyncGenerator<Uint8Array, void, void> {
  const iterator = openBody(body)[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const next = await orAborted(iterator.next(), signal, subject);
      if (next.done === true) break;
      yield next.value;
    }
    finished = true;
  } catch (error) {
    finished = !signal.aborted;
    throw error;
  } finally {
    if (!finished) Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** Settles as the promise does, or rejects as the signal aborts. Its listener goes with it. */
export function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  subject?: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedError("put", signal, subject));
    if (signal.aborted) {
      promise.catch(() => undefined);
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
