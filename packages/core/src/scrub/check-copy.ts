import type { Tier } from "../composite/tier.ts";
import { asStoreError } from "../composite/outcomes.ts";
import type { Digest } from "../digest.ts";
import { isStoreError, type StoreError, throwIfAborted } from "../errors.ts";
import { verifyStream } from "../verify.ts";

/** What one tier's copy of one blob turned out to be. */
export interface CopyCheck {
  readonly tier: Tier;
  readonly digest: Digest;
  /**
   * `corrupt`: two whole reads disagreed with the digest. `unread`: its size is all that was looked
   * at, and there was no other copy to compare it with.
   */
  readonly status: "ok" | "corrupt" | "missing" | "failed" | "unread";
  /** Bytes of the copy, where it is right. */
  readonly size: number | undefined;
  readonly error: StoreError | undefined;
  /** What came of putting it right; undefined where that was not asked for, or there was no need. */
  readonly repair?: CopyRepair | undefined;
}

/**
 * What came of a repair: `repaired`; `unneeded`, since it was right when it was looked at again;
 * `not-allowed` in a tier that is neither a cache nor has `heal`, or can't be put to; `no-good-copy`
 * where no other tier could give the right bytes; `failed` where the tier did not take them.
 */
export interface CopyRepair {
  readonly outcome: "repaired" | "unneeded" | "not-allowed" | "no-good-copy" | "failed";
  readonly error?: StoreError | undefined;
}

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  /** Is told of bytes as they are read, and may hold the read back. */
  readonly took?: ((bytes: number) => Promise<void>) | undefined;
}

/** A mismatch is a suspicion: the way here may have changed the bytes. Two are a finding. */
const readsMax = 2;

/**
 * Reads a tier's copy, from that tier alone, and compares it with the digest; a copy that is wrong is
 * read once more. Rejects only where the signal aborts: whatever else fails is the check's answer.
 */
export async function checkCopy(
  tier: Tier,
  digest: Digest,
  options: CheckOptions = {},
): Promise<CopyCheck> {
  const parts = { tier, digest, size: undefined, error: undefined };
  for (let read = 1; ; read += 1) {
    try {
      const size = await readOnce(tier, digest, options);
      return size === undefined
        ? { ...parts, status: "missing" }
        : { ...parts, status: "ok", size };
    } catch (thrown) {
      throwIfAborted(options.signal, "verify", digest);
      const error = asStoreError(thrown, "verify", tier.name);
      if (!isStoreError(error, "DIGEST_MISMATCH")) return { ...parts, status: "failed", error };
      if (read >= readsMax) return { ...parts, status: "corrupt", error };
    }
  }
}

async function readOnce(
  tier: Tier,
  digest: Digest,
  { signal, took }: CheckOptions,
): Promise<number | undefined> {
  const content = await tier.source.open(digest, { signal });
  if (content === undefined) return undefined;
  await using open = content;
  let size = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of open.body) {
      throwIfAborted(signal, "verify", digest);
      size += chunk.byteLength;
      await took?.(chunk.byteLength);
      yield chunk;
    }
  };
  for await (const _ of verifyStream(counted(), digest, "verify", tier.name, open.size));
  return size;
}
