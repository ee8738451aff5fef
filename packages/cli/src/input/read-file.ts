import type { FileHandle } from "node:fs/promises";

/** Bytes of one chunk: large enough that hashing, not calls, is what a file's put costs. */
const chunkBytes = 256 * 1024;

/**
 * Reads the first `size` bytes of an open file, from its start each time, in chunks of their own. It
 * ends early where the file does.
 */
export async function* readFromStart(
  file: FileHandle,
  size: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  while (at < size) {
    const room = Buffer.allocUnsafeSlow(Math.min(chunkBytes, size - at));
    const { bytesRead } = await file.read(room, 0, room.byteLength, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield room.subarray(0, bytesRead);
  }
}
