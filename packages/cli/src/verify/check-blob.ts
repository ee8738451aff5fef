import {
  type Digest,
  isStoreError,
  type StoreError,
  type Tier,
  verifyStream,
} from "@bitstore/core";
import { toStoreError } from "../frame/system-error.ts";

/** What one tier's copy of one blob turned out to be. */
export interface Check {
  readonly tier: Tier;
  readonly digest: Digest;
  readonly status: "ok" | "corrupt" | "missing" | "failed";
  /** Bytes of the copy, where it is right. */
  readonly size: number | undefined;
  readonly error: StoreError | undefined;
}

/** A mismatch is a suspicion: the way here may have changed the bytes. Two are a finding. */
const readsMax = 2;

/** Reads a tier's copy and compares it with the digest. Rejects only where the signal aborts. */
export async function checkBlob(tier: Tier, digest: Digest, signal: AbortSignal): Promise<Check> {
  const parts = { tier, digest, size: undefined, error: undefined };
  for (let read = 1; ; read += 1) {
    try {
      const size = await readOnce(tier, digest, signal);
      if (size === undefined) return { ...parts, status: "missing" };
      return { ...parts, status: "ok", size };
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      const error = toStoreError(thrown, "verify", digest);
      const isWrong = isStoreError(error, "DIGEST_MISMATCH");
      if (!isWrong) return { ...parts, status: "failed", error };
      if (read >= readsMax) return { ...parts, status: "corrupt", error };
    }
  }
}

async function readOnce(
  tier: Tier,
  digest: Digest,
  signal: AbortSignal,
): Promise<number | undefined> {
  const content = await tier.source.open(digest, { signal });
  if (content === undefined) return undefined;
  await using open = content;
  let size = 0;
  for await (const chunk of verifyStream(open.body, digest, "verify", tier.name, open.size)) {
    if (signal.aborted) throw signal.reason;
    size += chunk.byteLength;
  }
  return size;
}
