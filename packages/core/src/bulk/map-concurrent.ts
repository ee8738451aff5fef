import { closeUnawaited, orAborted } from "../abort.ts";

export interface MapConcurrentOptions {
  /** Items in work at a time. */
  readonly concurrencyMax: number;
  /** Yields in the order of the input; else as they are done. */
  readonly ordered: boolean;
  /** Results that may wait for the reader, or, if ordered, for one before them. */
  readonly waitingMax: number;
  /** Ends the waits for the input, which may never give another item. */
  readonly signal: AbortSignal;
}

/**
 * Maps an input of any length with bounded concurrency and memory: the input is pulled one item at a
 * time, only while there is a place to work on it, and work pauses while results wait. An error of
 * the input or of `work` ends it, once what is under way has settled; leaving the loop early closes
 * the input and calls `stop`.
 */
export async function* mapConcurrent<T, R>(
  input: AsyncIterable<T> | Iterable<T>,
  options: MapConcurrentOptions,
  work: (item: T, index: number) => Promise<R>,
  stop: () => void = () => undefined,
): AsyncGenerator<R, void, void> {
  const items = iterate(input);
  // Each is wrapped, since `undefined` may be a result.
  const results = new Map<number, { readonly result: R }>();
  let pulling: Promise<unknown> = Promise.resolve();
  let pulled = 0;
  let yielded = 0;
  let ended = false;
  let failure: { readonly error: unknown } | undefined;
  let changed = Promise.withResolvers<void>();
  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };

  async function pull(): Promise<{ readonly item: T; readonly index: number } | undefined> {
    if (ended) return undefined;
    const step = await orAborted(items.next(), options.signal, "read", "input");
    if (step.done === true) {
      ended = true;
      return undefined;
    }
    pulled += 1;
    return { item: step.value, index: pulled - 1 };
  }
  const hasRoomFor = (index: number): boolean =>
    options.ordered ? index < yielded + options.waitingMax : results.size < options.waitingMax;

  async function worker(): Promise<void> {
    while (!ended) {
      // Iterators need not take overlapping calls, so the workers take turns.
      const turn = pulling.then(pull);
      pulling = turn.catch(() => undefined);
      const next = await turn;
      if (next === undefined) return;
      const result = await work(next.item, next.index);
      while (!ended && !hasRoomFor(next.index)) await changed.promise;
      results.set(next.index, { result });
      wake();
    }
  }
  const fail = (error: unknown): void => {
    failure ??= { error };
    ended = true;
    wake();
  };

  let running = options.concurrencyMax;
  const workers = Array.from({ length: options.concurrencyMax }, async () => {
    await worker().catch(fail);
    running -= 1;
    wake();
  });
  const take = (): { readonly result: R } | undefined => {
    const key = options.ordered ? yielded : results.keys().next().value;
    const found = key === undefined ? undefined : results.get(key);
    if (key === undefined || found === undefined) return undefined;
    results.delete(key);
    yielded += 1;
    wake();
    return found;
  };
  let finished = false;
  try {
    for (;;) {
      const taken = failure === undefined ? take() : undefined;
      if (taken !== undefined) yield taken.result;
      else if (running === 0) break;
      else await changed.promise;
    }
    finished = true;
  } finally {
    ended = true;
    wake();
    if (!finished || failure !== undefined) {
      stop();
      // It is not waited for: a generator that waits for its input ends only when that has come.
      closeUnawaited(items);
    }
    await Promise.allSettled(workers);
  }
  if (failure !== undefined) throw failure.error;
}

function iterate<T>(input: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in input) return input[Symbol.asyncIterator]();
  const items = input[Symbol.iterator]();
  return {
    next: () => Promise.resolve(items.next()),
    return: () => Promise.resolve(items.return?.() ?? { done: true, value: undefined }),
  };
}
