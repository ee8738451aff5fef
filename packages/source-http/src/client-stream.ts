import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import {
  type Bytes,
  closeUnawaited,
  type Content,
  contentOfStream,
  type Digest,
  orAborted,
  StoreError,
} from "@bitstore/core";

/** What a client of a user's own may give for a digest. */
export type FetchedBlob = Uint8Array | Bytes | ReadableStream<Uint8Array> | Readable;

/** What reading a client's stream takes. */
export interface ClientStream {
  readonly source: string;
  readonly digest: Digest;
  readonly blobBytesMax: number;
  readonly signal: AbortSignal | undefined;
  /** Makes our error of what the stream throws. */
  readonly mapped: (error: unknown) => StoreError;
  /** Called once, when the stream is read, has failed, was left, or is disposed. */
  readonly release: () => void;
}

/**
 * Makes the read of a stream that a client gave, of whichever kind. Its chunks must be Uint8Array,
 * else INTERNAL; longer than `blobBytesMax` is TOO_LARGE; an abort is heeded for a stream that
 * does not. The stream is ended when the read is over, and nobody waits for its end.
 */
export function clientContent(stream: AsyncIterable<unknown>, reading: ClientStream): Content {
  const { source, digest, blobBytesMax, signal, mapped, release } = reading;
  // Until its first read a Readable has no listener, and an error then would end the process.
  if (stream instanceof Readable) stream.on("error", () => undefined);
  const chunks = stream[Symbol.asyncIterator]();

  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    let seen = 0;
    for (;;) {
      const next = await orAborted(chunks.next(), signal, "open", digest).catch(
        (error: unknown) => {
          throw mapped(error);
        },
      );
      if (next.done === true) return;
      if (!(next.value instanceof Uint8Array)) throw notBytes(source, digest, next.value);
      seen += next.value.byteLength;
      if (seen > blobBytesMax) throw tooLarge(source, digest, blobBytesMax);
      yield next.value;
    }
  }
  return contentOfStream({ size: undefined, source }, read, () => {
    release();
    closeUnawaited(chunks);
    if (stream instanceof Readable) stream.destroy();
  });
}

/** Tells whether a value is a stream of any kind that a client may give. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** Ends a stream that came too late to be read. */
export function endStream(stream: unknown): void {
  if (stream instanceof Readable) stream.on("error", () => undefined).destroy();
  else if (isStream(stream)) closeUnawaited(stream[Symbol.asyncIterator]());
}

export function tooLarge(source: string, subject: Digest, blobBytesMax: number): StoreError {
  const message = `the client gave more than ${blobBytesMax} bytes (blobBytesMax)`;
  return new StoreError({ code: "TOO_LARGE", operation: "open", subject, source, message });
}

export function notBytes(source: string, subject: Digest, value: unknown): StoreError {
  const what = value === null ? "null" : `a value of type ${typeof value}`;
  const message = `the client gave ${what} where a Uint8Array or a stream of it is wanted`;
  return new StoreError({ code: "INTERNAL", operation: "open", subject, source, message });
}
