import { StoreError } from "./errors.ts";

/** A stream of chunks. A chunk that was yielded is never rewritten by anyone. */
export type Bytes = AsyncIterable<Uint8Array>;

/** What is put: bytes, or a factory of streams, because a one-shot stream can't be retried. */
export type Body = Uint8Array | (() => Bytes);

/**
 * Opens a body once more from its start.
 *
 * @throws INVALID_ARGUMENT for what is no body, as who calls without types may give: a text, or a stream
 * that can be read once.
 */
export function openBody(body: Body): Bytes {
  if (body instanceof Uint8Array) return single(body);
  if (typeof body === "function") return body();
  throw new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "put",
    subject: "body",
    message: "it is neither bytes nor a function that returns a stream; write () => stream",
  });
}

/** Yields one chunk, or none where it is empty. */
export async function* single(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  if (chunk.byteLength > 0) yield chunk;
}

/**
 * Collects a stream into one array, without a copy where it has one chunk. It rejects with
 * TOO_LARGE as soon as the stream is longer than `bytesMax`, and the stream is closed then.
 */
export async function collect(
  stream: Bytes,
  bytesMax: number = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  const { chunks, size } = await gather(stream, bytesMax);
  return concat(chunks, size);
}

/** Collects as {@link collect} does, into an array that nobody else has. */
export async function collectCopy(stream: Bytes, bytesMax: number): Promise<Uint8Array> {
  const { chunks, size } = await gather(stream, bytesMax);
  return copied(chunks, size);
}

async function gather(
  stream: Bytes,
  bytesMax: number,
): Promise<{ readonly chunks: readonly Uint8Array[]; readonly size: number }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > bytesMax) {
      throw new StoreError({
        code: "TOO_LARGE",
        operation: "collect",
        message: `the stream is longer than ${bytesMax} bytes`,
      });
    }
    chunks.push(chunk);
  }
  return { chunks, size };
}

/** Joins chunks of a known total size, without a copy where there is one. */
export function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const first = chunks[0];
  if (chunks.length === 1 && first !== undefined) return first;
  return copied(chunks, size);
}

function copied(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
