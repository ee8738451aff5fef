import { algorithmOf, createHasher, type Digest, StoreError } from "@bitstore/core";
import { onDisk } from "./disk-error.ts";
import type { FileLayer, OpenFile } from "./file-layer.ts";

export interface FileSpan {
  readonly start: number;
  readonly end: number;
  /** Bytes of one chunk. */
  readonly chunkBytes: number;
  readonly source: string;
}

/**
 * Yields a span of an open file in chunks, each a buffer of its own. Throws UNAVAILABLE where the
 * file ends before the span does: somebody has cut it since it was opened.
 */
export async function* readSpan(
  file: OpenFile,
  { start, end, chunkBytes, source }: FileSpan,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = start; at < end; ) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - at));
    const count = await onDisk({ operation: "read", source }, () => file.read(chunk, at));
    if (count < chunk.byteLength) {
      throw new StoreError({
        code: "UNAVAILABLE",
        operation: "read",
        source,
        message: "the pending file was cut while it was read; open it again",
      });
    }
    at += count;
    yield chunk;
  }
}

/** Resolves to whether a file has the bytes that a digest names; reads all of it. */
export async function fileMatches(
  files: FileLayer,
  path: string,
  digest: Digest,
  chunkBytes: number,
): Promise<boolean> {
  const file = await files.openForRead(path);
  try {
    if (!file.isFile) return false;
    const hasher = await createHasher(algorithmOf(digest));
    for (let at = 0; ; ) {
      const chunk = Buffer.allocUnsafeSlow(chunkBytes);
      const count = await file.read(chunk, at);
      hasher.update(chunk.subarray(0, count));
      at += count;
      if (count < chunkBytes) return hasher.digest() === digest;
    }
  } finally {
    await file.close();
  }
}
