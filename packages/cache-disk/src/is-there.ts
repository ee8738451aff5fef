import { abortedError, type Digest } from "@bitstore/core";
import type { CacheParts } from "./cache-parts.ts";
import { keyOf } from "./digest-key.ts";
import { diskFault, toStoreError } from "./disk-fault.ts";
import { quarantineBlob } from "./quarantine.ts";
import { digestOfFile } from "./read-file.ts";

/** One read that is wrong is a suspicion: the memory that it went through may have been at fault. */
const readsMax = 2;

/**
 * Tells whether the right bytes are there, by reading them; what is wrong in two reads is quarantined.
 */
export async function isThere(
  parts: CacheParts,
  digest: Digest,
  signal: AbortSignal,
): Promise<boolean> {
  const { guard, folder, settings } = parts;
  const row = guard.lookup(keyOf(digest));
  if (typeof row === "string") return false;
  const check = (): void => {
    if (signal.aborted) throw abortedError("put", signal, digest);
  };
  const path = folder.blobPath(digest);
  let found: Digest | undefined;
  try {
    for (let read = 1; read <= readsMax; read += 1) {
      found = await digestOfFile(path, digest, row.size, settings.limits.gatherBytes, check);
      if (found === digest) return true;
      if (found === undefined) break;
    }
  } catch (error) {
    const fault = diskFault(error);
    if (fault === "denied" || fault === "handles" || signal.aborted) {
      throw toStoreError(error, { operation: "put", subject: digest, source: settings.name });
    }
  }
  const reads = found === undefined ? 0 : readsMax;
  await quarantineBlob(parts, digest, row.seq, { found, reads, foundBy: "put" });
  return false;
}
