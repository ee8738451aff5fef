import { createHash } from "node:crypto";
import { type Algorithm, type Digest, parseDigest, splitDigest } from "./digest.ts";
import type { Bytes } from "./bytes.ts";
import { StoreError } from "./errors.ts";

/** Hashes a stream of chunks. `digest` may be called once, after the last `update`. */
export interface Hasher {
  readonly algorithm: Algorithm;
  update(chunk: Uint8Array): void;
  digest(): Digest;
}

/**
 * Resolves to a new hasher. All algorithms but blake3 are the runtime's own; blake3 is WebAssembly
 * that is loaded at its first use (about half the speed of sha256 with hardware support).
 */
export async function createHasher(algorithm: Algorithm): Promise<Hasher> {
  if (algorithm === "blake3") {
    const { createBLAKE3 } = await import("hash-wasm");
    const state = await createBLAKE3();
    return {
      algorithm,
      update: (chunk) => void state.update(chunk),
      digest: () => parseDigest(`blake3:${state.digest("hex")}`),
    };
  }
  const state = createHash(algorithm);
  return {
    algorithm,
    update: (chunk) => void state.update(chunk),
    digest: () => parseDigest(`${algorithm}:${state.digest("hex")}`),
  };
}

/** Resolves to the digest of bytes in memory, or of a stream. */
export async function digestOf(data: Uint8Array | Bytes, algorithm: Algorithm): Promise<Digest> {
  const hasher = await createHasher(algorithm);
  if (data instanceof Uint8Array) hasher.update(data);
  else for await (const chunk of data) hasher.update(chunk);
  return hasher.digest();
}

/** Throws DIGEST_MISMATCH, naming both, unless they are equal. */
export function checkDigest(
  expected: Digest,
  actual: Digest,
  operation: string,
  source?: string,
): void {
  if (expected === actual) return;
  throw new StoreError({
    code: "DIGEST_MISMATCH",
    operation,
    subject: expected,
    source,
    message: `the bytes are ${splitDigest(actual).hex.slice(0, 12)}…, not what the digest names`,
  });
}
