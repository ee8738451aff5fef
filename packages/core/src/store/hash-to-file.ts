import { type Body, type Bytes, openBody } from "../bytes.ts";
import type { Algorithm, Digest } from "../digest.ts";
import { untilAborted } from "../abort.ts";
import { StoreError } from "../errors.ts";
import { createHasher } from "../hasher.ts";
import { unlinkedFile, writeAt } from "./unlinked-file.ts";

export interface HashedBody extends AsyncDisposable {
  readonly digest: Digest;
  readonly size: number;
  /** Replays the bytes, any number of times, until disposed. */
  readonly body: Body;
}

export interface HashLimits {
  /** Bytes that are kept in memory; what is longer goes to a file without a name. */
  readonly memoryBytesMax: number;
  /** Bytes of the longest body, TOO_LARGE above it. */
  readonly spoolBytesMax: number;
  readonly spoolDirectory?: string | undefined;
}

const readBytes = 256 * 1024;

/**
 * Reads a body once, hashing it, and keeps the bytes so that they can be sent under the digest that
 * is known only at the end. Bytes that are in memory already are not copied.
 */
export async function hashToFile(
  body: Body,
  algorithm: Algorithm,
  limits: HashLimits,
  signal?: AbortSignal,
): Promise<HashedBody> {
  const hasher = await createHasher(algorithm);
  if (body instanceof Uint8Array) {
    hasher.update(body);
    return inMemory(body, hasher.digest());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  let file: Awaited<ReturnType<typeof unlinkedFile>> | undefined;
  try {
    for await (const chunk of untilAborted(openBody(body), signal, "put")) {
      if (size + chunk.byteLength > limits.spoolBytesMax) throw tooLarge(limits.spoolBytesMax);
      hasher.update(chunk);
      if (file === undefined && size + chunk.byteLength > limits.memoryBytesMax) {
        file = await unlinkedFile(limits.spoolDirectory);
        let at = 0;
        for (const kept of chunks.splice(0)) {
          await writeAt(file, kept, at);
          at += kept.byteLength;
        }
      }
      if (file === undefined) chunks.push(chunk);
      else await writeAt(file, chunk, size);
      size += chunk.byteLength;
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
  const digest = hasher.digest();
  if (file === undefined) return { ...inMemory(Buffer.concat(chunks, size), digest), size };
  const handle = file;
  async function* replay(): Bytes & AsyncGenerator<Uint8Array> {
    for (let at = 0; at < size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(readBytes, size - at));
      const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength, at);
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }
  return { digest, size, body: replay, [Symbol.asyncDispose]: () => handle.close() };
}

function inMemory(bytes: Uint8Array, digest: Digest): HashedBody {
  return {
    digest,
    size: bytes.byteLength,
    body: bytes,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function tooLarge(spoolBytesMax: number): StoreError {
  return new StoreError({
    code: "TOO_LARGE",
    operation: "put",
    message: `the body is longer than the spool's ${spoolBytesMax} bytes; put it by its digest`,
  });
}
