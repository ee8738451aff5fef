import { asStoreError } from "../composite/outcomes.ts";
import type { Tier } from "../composite/tier.ts";
import type { Digest } from "../digest.ts";
import { StoreError, throwIfAborted } from "../errors.ts";
import type { BlobSource } from "../source.ts";
import type { CheckOptions, CopyRepair } from "./check-copy.ts";

/** Tells whether wrong copies in a tier may be replaced: a cache, or one that says `heal`. */
function mayHeal({ heal, readOnly, source }: Tier): boolean {
  return heal && !readOnly && source.capabilities.put;
}

/**
 * Puts the right bytes into a tier whose copy is wrong, as `best` has them without that tier: a
 * composite, which verifies them and asks its tiers in order. The tier's own put judges the wrong copy
 * again, keeps its bytes aside and replaces it under its version. Rejects only where the signal aborts.
 */
export async function repairCopy(
  tier: Tier,
  digest: Digest,
  best: BlobSource,
  { signal, took }: CheckOptions = {},
): Promise<CopyRepair> {
  if (!mayHeal(tier)) return { outcome: "not-allowed" };
  const avoid = new Set([tier.name]);
  let unread: { readonly error: unknown } | undefined;
  const body = async function* (): AsyncGenerator<Uint8Array, void, void> {
    try {
      const content = await best.open(digest, { avoid, signal });
      if (content === undefined) throw nowhere(digest);
      for await (const chunk of content.body) {
        await took?.(chunk.byteLength);
        yield chunk;
      }
    } catch (error) {
      unread = { error };
      throw error;
    }
  };
  try {
    const { outcome } = await tier.source.put(body, { digest, signal });
    return { outcome: outcome === "created" ? "repaired" : "unneeded" };
  } catch (error) {
    throwIfAborted(signal, "verify", digest);
    if (unread === undefined) {
      return { outcome: "failed", error: asStoreError(error, "verify", tier.name) };
    }
    return { outcome: "no-good-copy", error: asStoreError(unread.error, "verify", best.name) };
  }
}

function nowhere(subject: Digest): StoreError {
  const message = "no other tier has it";
  return new StoreError({ code: "NOT_FOUND", operation: "verify", subject, message });
}
