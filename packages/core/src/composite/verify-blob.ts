import type { Bytes } from "../bytes.ts";
import type { Digest } from "../digest.ts";
import { digestOf } from "../hasher.ts";
import { type AlsoHashed, verifyBytes, verifyStream } from "../verify.ts";
import type { CompositeContext } from "./context.ts";

/** Verifies a blob in memory, and what its digest named before where the digest is weak. */
export async function verifyBlob(
  context: CompositeContext,
  bytes: Uint8Array,
  digest: Digest,
  source: string,
): Promise<void> {
  await verifyBytes(bytes, digest, "open", source);
  const also = alsoHashed(context, digest, source);
  await also?.confirm(await digestOf(bytes, also.algorithm));
}

/** Verifies a blob as it streams, as {@link verifyStream} does, and a weak digest's record. */
export function verifyBlobStream(
  context: CompositeContext,
  stream: Bytes,
  digest: Digest,
  source: string,
  size: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  return verifyStream(stream, digest, "open", source, size, alsoHashed(context, digest, source));
}

function alsoHashed(
  { weakDigests }: CompositeContext,
  digest: Digest,
  source: string,
): AlsoHashed | undefined {
  if (!weakDigests.isWeak(digest)) return undefined;
  return {
    algorithm: "sha256",
    confirm: (strong) => weakDigests.confirm(digest, strong, source),
  };
}
