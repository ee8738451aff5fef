import { algorithmOf, type Bytes, createHasher, type Digest, StoreError } from "@bitstore/core";
import { toStoreError } from "./disk-fault.ts";
import { closeFile, openForRead, readInto, statFile } from "./file-calls.ts";

export interface FileSpan {
  readonly start: number;
  readonly end: number;
  /** Bytes of one chunk. */
  readonly chunkBytes: () => number;
  /** Throws where the read is to end early. */
  readonly check: () => void;
}

/**
 * Yields a span of an open file in chunks, each a buffer of its own. Throws UNAVAILABLE where the
 * file ends before the span does: somebody has cut it since it was opened.
 */
export async function* readSpan(
  fd: number,
  span: FileSpan,
  source: string,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = span.start; at < span.end; ) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(span.chunkBytes(), span.end - at));
    span.check();
    const count = await readInto(fd, chunk, at).catch((error: unknown) => {
      throw toStoreError(error, { operation: "read", source });
    });
    if (count < chunk.byteLength) {
      throw new StoreError({
        code: "UNAVAILABLE",
        operation: "read",
        source,
        message: "the cached file was cut while it was read; open it again",
      });
    }
    at += count;
    yield chunk;
  }
}

/** Resolves to what a file's bytes are; undefined, without reading it, where it is of another size. */
export async function digestOfFile(
  path: string,
  digest: Digest,
  size: number,
  chunkBytes: number,
  check: () => void,
): Promise<Digest | undefined> {
  const fd = await openForRead(path);
  try {
    const stats = await statFile(fd);
    if (!stats.isFile() || stats.size !== size) return undefined;
    const hasher = await createHasher(algorithmOf(digest));
    const span = { start: 0, end: size, chunkBytes: () => chunkBytes, check };
    const body: Bytes = readSpan(fd, span, path);
    for await (const chunk of body) hasher.update(chunk);
    return hasher.digest();
  } finally {
    await closeFile(fd);
  }
}
