/** Disposes a store once: a composite disposes its tiers, and so does whoever opened them. */
export function disposedOnce<T extends AsyncDisposable>(inner: T): T {
  let disposed: Promise<void> | undefined;
  return {
    ...inner,
    [Symbol.asyncDispose]() {
      disposed ??= (async () => await inner[Symbol.asyncDispose]())();
      return disposed;
    },
  };
}
