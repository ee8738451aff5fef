import { type Algorithm, digestOf } from "@bitstore/core";
import type { SeededBlob } from "./blob-harness.ts";
import { seededBytes } from "./seeded-bytes.ts";
import { sizesAround } from "./sizes-around.ts";

/** Bytes up to which a read is verified before anything is handed out; 4 MiB. */
export const verifyFirstBytes: number = 4 * 1024 * 1024;

/**
 * Yields blobs of the sizes at which something changes: nothing, one byte, 64 KiB, 1 MiB, 4 MiB
 * (above it a read streams before it is verified), each with one byte less and more, and the same
 * around limits of one's own. They are made one at a time and are the same on every machine.
 */
export async function* blobsAroundLimits(
  algorithm: Algorithm = "sha256",
  limits: readonly number[] = [],
): AsyncGenerator<SeededBlob, void, void> {
  for (const size of sizesAround(verifyFirstBytes, ...limits)) {
    const bytes = seededBytes(size, size + 1);
    yield { digest: await digestOf(bytes, algorithm), size, bytes };
  }
}
