import type { Readable } from "node:stream";
import { type Bytes, StoreError } from "@bitstore/core";

export interface OneShotOptions {
  /** For messages. */
  readonly name: string;
  /** Ends the reading even while it waits for bytes. */
  readonly signal: AbortSignal;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Makes a body of a stream that can be read once, such as standard input: opening it again is
 * UNSUPPORTED. The stream is closed in any case.
 */
export function oneShotBody(stream: Readable, options: OneShotOptions): () => Bytes {
  let isRead = false;
  return () => {
    if (isRead) {
      const { name: subject } = options;
      const message = "it can be read once only; put it into a file first";
      throw new StoreError({ code: "UNSUPPORTED", operation: "read", subject, message });
    }
    isRead = true;
    return chunks(stream, options);
  };
}

async function* chunks(
  stream: Readable,
  { signal, onBytes }: OneShotOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const onAbort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    for await (const chunk of stream) {
      const bytes = chunk as Uint8Array;
      onBytes?.(bytes.byteLength);
      yield bytes;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    stream.destroy();
  }
}
