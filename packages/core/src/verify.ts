import type { Bytes } from "./bytes.ts";
import { hash } from "node:crypto";
import { type Algorithm, algorithmOf, type Digest, parseDigest } from "./digest.ts";
import { StoreError } from "./errors.ts";
import { checkDigest, createHasher } from "./hasher.ts";

/**
 * Passes a stream on while hashing it, and holds its last chunk that is not empty back until the
 * digest matched, so that nobody sees a clean end on wrong bytes. A stream longer or shorter than
 * `size`, where it is given, is refused too, and the longer one is cut off at once: in a put the size
 * is the caller's word, else it is the source's.
 *
 * @throws DIGEST_MISMATCH; INVALID_ARGUMENT for the size of a put
 */
export async function* verifyStream(
  stream: Bytes,
  digest: Digest,
  operation: string,
  source?: string,
  size?: number,
  also?: AlsoHashed,
): AsyncGenerator<Uint8Array, void, void> {
  const hasher = await createHasher(algorithmOf(digest));
  const second = also === undefined ? undefined : await createHasher(also.algorithm);
  let held: Uint8Array | undefined;
  let seen = 0;
  for await (const chunk of stream) {
    if (chunk.byteLength === 0) continue;
    seen += chunk.byteLength;
    if (size !== undefined && seen > size) throw wrongSize(digest, operation, source, size);
    hasher.update(chunk);
    second?.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  checkDigest(digest, hasher.digest(), operation, source);
  if (size !== undefined && seen !== size) throw wrongSize(digest, operation, source, size);
  if (second !== undefined) await also?.confirm(second.digest());
  if (held !== undefined) yield held;
}

/** A second digest to be taken of the same bytes, and what must agree to it before they end. */
export interface AlsoHashed {
  readonly algorithm: Algorithm;
  confirm(digest: Digest): Promise<void>;
}

/** Throws DIGEST_MISMATCH unless the bytes are what the digest names. */
export async function verifyBytes(
  bytes: Uint8Array,
  digest: Digest,
  operation: string,
  source?: string,
): Promise<void> {
  const algorithm = algorithmOf(digest);
  if (algorithm !== "blake3") {
    // The one-shot form costs a third of a hasher object for the small blobs that fill pipelines.
    const actual = `${algorithm}:${hash(algorithm, bytes, "hex")}`;
    if (actual !== digest) checkDigest(digest, parseDigest(actual), operation, source);
    return;
  }
  const hasher = await createHasher(algorithm);
  hasher.update(bytes);
  checkDigest(digest, hasher.digest(), operation, source);
}

function wrongSize(
  digest: Digest,
  operation: string,
  source: string | undefined,
  size: number,
): StoreError {
  return new StoreError({
    code: operation === "put" ? "INVALID_ARGUMENT" : "DIGEST_MISMATCH",
    operation,
    subject: digest,
    source,
    message: `the body does not have the ${size} bytes that were declared`,
  });
}
