import { abortedError, type Digest } from "@bitstore/core";
import type { CacheParts } from "./cache-parts.ts";
import { keyOf } from "./digest-key.ts";
import { diskFault, toStoreError } from "./disk-fault.ts";
import { quarantineBlob } from "./quarantine.ts";
import { fileMatches } from "./read-file.ts";

/** Tells whether the right bytes are there, by reading them; what is wrong is quarantined. */
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
  try {
    if (await fileMatches(path, digest, row.size, settings.limits.gatherBytes, check)) return true;
  } catch (error) {
    const fault = diskFault(error);
    if (fault === "denied" || fault === "handles" || signal.aborted) {
      throw toStoreError(error, { operation: "put", subject: digest, source: settings.name });
    }
  }
  await quarantineBlob(parts, digest, row.seq);
  return false;
}
