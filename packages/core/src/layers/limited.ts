import pLimit from "p-limit";
import { abortedError } from "../errors.ts";
import type { Content } from "../content.ts";
import type { BlobStore } from "../source.ts";
import { mapContent } from "./map-content.ts";

export interface LimitedOptions {
  /** Requests of one store at a time; a read counts until it was consumed or disposed. */
  readonly concurrencyMax: number;
}

/**
 * Bounds how many requests a store is asked at once; the others wait their turn, first come first
 * served, and leave the queue when their signal aborts. Never nest two of one limiter: a caller who
 * holds a place while it waits for another can wait for ever.
 */
export function limited(inner: BlobStore, { concurrencyMax }: LimitedOptions): BlobStore {
  const limit = pLimit(concurrencyMax);

  /** Waits for a place; resolves to the function that gives it back. */
  function enter(operation: string, signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (signal !== undefined) reject(abortedError(operation, signal));
      };
      if (signal?.aborted) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort, { once: true });
      void limit(async () => {
        signal?.removeEventListener("abort", onAbort);
        if (signal?.aborted) return;
        await new Promise<void>((leave) => resolve(leave));
      });
    });
  }

  async function hold<T>(
    operation: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    const leave = await enter(operation, signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  return {
    ...inner,
    stat: (digest, options) =>
      hold("stat", options?.signal, async () => await inner.stat(digest, options)),
    async open(digest, options): Promise<Content | undefined> {
      const leave = await enter("open", options?.signal);
      try {
        const content = await inner.open(digest, options);
        if (content !== undefined) return mapContent(content, { done: leave });
      } catch (error) {
        leave();
        throw error;
      }
      leave();
      return undefined;
    },
    put: (body, options) =>
      hold("put", options?.signal, async () => await inner.put(body, options)),
    delete: (digest, options) =>
      hold("delete", options?.signal, async () => await inner.delete(digest, options)),
    async *list(options) {
      // A list is read at its reader's pace, so it holds no place between pages.
      yield* inner.list(options);
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}
