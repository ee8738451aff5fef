import {
  algorithmOf,
  algorithms,
  type Bytes,
  type Digest,
  digestBytes,
  hexOf,
  parseDigest,
  StoreError,
} from "@bitstore/core";

/**
 * Packs digests, in their order: for each a byte that says the algorithm, and its bytes. That is half of
 * what it has as text, and is for this process alone.
 */
export function packDigests(digests: readonly Digest[]): Uint8Array {
  const packed = Buffer.allocUnsafe(digests.reduce((bytes, each) => bytes + sizeOf(each), 0));
  let at = 0;
  for (const digest of digests) {
    packed[at] = algorithms.indexOf(algorithmOf(digest));
    packed.write(hexOf(digest), at + 1, "hex");
    at += sizeOf(digest);
  }
  return packed;
}

/** Yields what was packed, up to `batchMax` at a time. The bytes may come in any pieces. */
export async function* unpackDigests(
  packed: Bytes,
  batchMax: number,
): AsyncGenerator<readonly Digest[], void, void> {
  let rest: Uint8Array = Buffer.alloc(0);
  for await (const chunk of packed) {
    const bytes = Buffer.concat([rest, chunk]);
    let batch: Digest[] = [];
    let at = 0;
    while (at < bytes.byteLength) {
      const algorithm = algorithms[bytes.readUInt8(at)];
      if (algorithm === undefined) throw unreadable();
      const end = at + 1 + digestBytes[algorithm];
      if (end > bytes.byteLength) break;
      batch.push(parseDigest(`${algorithm}:${bytes.toString("hex", at + 1, end)}`));
      at = end;
      if (batch.length < batchMax) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
    rest = bytes.subarray(at);
  }
  if (rest.byteLength > 0) throw unreadable();
}

function sizeOf(digest: Digest): number {
  return 1 + digestBytes[algorithmOf(digest)];
}

function unreadable(): StoreError {
  const message = "what was kept of the list is not what was written; look at the disk";
  return new StoreError({ code: "INTERNAL", operation: "read", subject: "list", message });
}
