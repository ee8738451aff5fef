import {
  algorithmOf,
  type BlobPutOptions,
  type BlobStore,
  type Bytes,
  checkDigest,
  hashToFile,
  type HashLimits,
  type PutResult,
} from "@bitstore/core";

/** As a store spools what it has no digest of yet. */
export const provenPutLimits: HashLimits = {
  memoryBytesMax: 4 * 2 ** 20,
  spoolBytesMax: 64 * 2 ** 30,
};

/**
 * Puts a blob for somebody who must prove to have its bytes, and answers as if it had been new. A store
 * that has the blob already may answer without looking at the bytes that it is sent: then whoever knows
 * a digest would be told that it is there, and be given a receipt that lets it be tagged and read. So
 * the whole body is read and hashed before the store is asked.
 *
 * `stream` is read once, to its end. Rejects with DIGEST_MISMATCH, nothing stored, where the bytes are
 * others than the digest names.
 */
export async function provenPut(
  store: BlobStore,
  stream: Bytes,
  options: BlobPutOptions,
  limits: HashLimits = provenPutLimits,
): Promise<PutResult> {
  const { digest: wanted, signal } = options;
  const algorithm = wanted === undefined ? (options.algorithm ?? "sha256") : algorithmOf(wanted);
  await using hashed = await hashToFile(() => stream, algorithm, limits, signal);
  const { digest, size, body } = hashed;
  if (wanted !== undefined) checkDigest(wanted, digest, "put", store.name);
  await store.put(body, { ...options, digest, size: options.size ?? size });
  return { digest, size, outcome: "created" };
}
