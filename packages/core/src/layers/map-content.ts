import { type Content, contentOfStream } from "../content.ts";
import type { Bytes } from "../bytes.ts";

/** What a layer changes about a read that passes through it. */
export interface ContentChanges {
  /** Wraps the stream of chunks. */
  readonly body?: ((body: Bytes) => Bytes) | undefined;
  /** Wraps the call that takes the whole range at once. */
  readonly bytes?: ((bytes: () => Promise<Uint8Array>) => Promise<Uint8Array>) | undefined;
  /** Is called once, when the read is over, whichever way it ends. */
  readonly done?: (() => void) | undefined;
}

/**
 * Passes a read on with its stream, its `bytes()` or its end observed or wrapped. `bytes()` stays the
 * driver's own, so that nothing is copied or split on the way.
 */
export function mapContent(content: Content, changes: ContentChanges): Content {
  const { body: wrapBody, bytes: wrapBytes, done } = changes;
  let over = false;
  const finish = (): void => {
    if (over) return;
    over = true;
    done?.();
  };
  const streamed = contentOfStream(
    content,
    () => (wrapBody === undefined ? content.body : wrapBody(content.body)),
    async () => {
      await content[Symbol.asyncDispose]();
      finish();
    },
  );
  return {
    ...streamed,
    bytes: async () => {
      const read = (): Promise<Uint8Array> => content.bytes();
      try {
        return await (wrapBytes === undefined ? read() : wrapBytes(read));
      } finally {
        finish();
      }
    },
  };
}
