/** Results that may wait for one before them, in places of work. */
const waitingFactor = 8;

type Place<R> =
  | { readonly state: "working" }
  | { readonly state: "done"; readonly result: R }
  | { readonly state: "failed"; readonly error: unknown };

/**
 * Maps an input of any length with bounded concurrency and memory, and yields each result as soon as
 * it and those before it are there, even while the input makes one wait. What the input or `work`
 * throws ends it, in its turn; what is under way has settled then, as it has when the loop is left
 * early.
 */
export async function* mapOrdered<T, R>(
  input: AsyncIterable<T> | Iterable<T>,
  concurrencyMax: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, void> {
  const items = entriesOf(input);
  const places: Place<R>[] = [];
  const tasks = new Set<Promise<void>>();
  /** Places that were left behind: what a place's index counts from. */
  let shifted = 0;
  let pulling = false;
  let ended = false;
  let changed = Promise.withResolvers<void>();
  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };

  /** Puts what comes of a promise into a place at the end of the line. */
  function line(result: Promise<R>): void {
    const index = places.push({ state: "working" }) - 1 + shifted;
    const settle = (place: Place<R>): void => {
      places[index - shifted] = place;
      tasks.delete(task);
      wake();
    };
    const task: Promise<void> = result.then(
      (value) => settle({ state: "done", result: value }),
      (error: unknown) => settle({ state: "failed", error }),
    );
    tasks.add(task);
  }

  async function pull(): Promise<void> {
    pulling = true;
    try {
      const step = await items.next();
      if (step.done === true) ended = true;
      else line(work(step.value));
    } catch (error) {
      ended = true;
      line(Promise.reject(error));
    }
    pulling = false;
    wake();
  }

  try {
    for (;;) {
      const first = places[0];
      if (first?.state === "failed") throw first.error;
      if (first?.state === "done") {
        places.shift();
        shifted += 1;
        yield first.result;
        continue;
      }
      const room = tasks.size < concurrencyMax && places.length < concurrencyMax * waitingFactor;
      if (room && !ended && !pulling) void pull();
      else if (first === undefined && ended && !pulling) return;
      else await changed.promise;
    }
  } finally {
    ended = true;
    await Promise.allSettled(tasks);
    const closed = Promise.resolve(items.return?.()).catch(() => undefined);
    // An input that is being waited for closes when it has answered, which nobody waits for.
    if (!pulling) await closed;
  }
}

function entriesOf<T>(
  input: AsyncIterable<T> | Iterable<T>,
): AsyncIterator<T> | { next(): Promise<IteratorResult<T>>; return?: () => Promise<unknown> } {
  if (Symbol.asyncIterator in input) return input[Symbol.asyncIterator]();
  const items = input[Symbol.iterator]();
  return {
    next: () => Promise.resolve(items.next()),
    return: () => Promise.resolve(items.return?.()),
  };
}
