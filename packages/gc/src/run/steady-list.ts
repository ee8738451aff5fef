import { type CallOptions, closeUnawaited, linkedAbort } from "@bitstore/core";
import type { Patience } from "./patience.ts";

/** Lists what follows a key. */
export type ListAfter<T> = (
  options: CallOptions & { readonly startAfter: string | undefined },
) => AsyncIterable<T>;

/** Lists on where a page failed for a while, after the last key that came. */
export async function* steadyList<T>(
  list: ListAfter<T>,
  keyOf: (item: T) => string,
  { once, pauseAfter, signal }: Patience,
  firstAfter?: string,
): AsyncGenerator<T, void, void> {
  let startAfter = firstAfter;
  for (let failed = 0; ; ) {
    // What aborts one wait ends the listing, which then begins again.
    const stop = linkedAbort(signal);
    const items = list({ startAfter, signal: stop.signal })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await once(() => items.next());
        if (next.done === true) return;
        yield next.value;
        startAfter = keyOf(next.value);
        failed = 0;
      }
    } catch (error) {
      failed += 1;
      await pauseAfter(error, failed);
    } finally {
      stop.abort();
      stop.release();
      closeUnawaited(items);
    }
  }
}
