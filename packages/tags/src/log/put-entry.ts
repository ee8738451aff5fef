import { isStoreError, StoreError, type TagEntry } from "@bitstore/core";
import type { Request } from "./calls.ts";
import { isDefinite } from "./change.ts";
import type { LogContext } from "./context.ts";
import type { Manifest } from "./manifest.ts";

/** Who has a sequence: we do, or the entry of somebody else that took it. */
export interface PutEntry {
  readonly isOurs: boolean;
  readonly entry: TagEntry;
}

/**
 * Creates one entry, and finds out whether it did. Only "created" is taken at its word: after any
 * other answer, and after none, the key is read and the nonce decides; where nothing is there, the
 * same bytes are sent again under the same key, so that a request that arrives late does no harm.
 *
 * Rejects with what the bucket says where that means that nothing was written, and with
 * INDETERMINATE where it could not be found out before the deadline.
 */
export async function putEntry(
  context: LogContext,
  { entry, bytes }: Manifest,
  request: Request,
  deadlineMs: number,
): Promise<PutEntry> {
  const { bucket, keys, entries, calls } = context;
  const { tag, seq, nonce } = entry;
  const key = keys.entry(tag, seq);
  let isOpen = false;

  async function settle(): Promise<PutEntry | undefined> {
    const found = await calls.once(request, (options) => entries.read(tag, seq, options));
    return found === undefined ? undefined : { isOurs: found.nonce === nonce, entry: found };
  }

  for (let count = 1; ; count += 1) {
    let failure: unknown;
    try {
      const outcome = await calls.once(request, (options) =>
        bucket.put(key, bytes, {
          ...options,
          ifAbsent: true,
          size: bytes.byteLength,
          contentType: "application/json",
        }),
      );
      if (outcome === "created") return { isOurs: true, entry };
    } catch (error) {
      failure = error;
      if (isStoreError(error, "ABORTED")) throw error;
      if (isDefinite(error) && !isOpen) throw error;
      isOpen = true;
    }
    try {
      const settled = await settle();
      if (settled !== undefined) return settled;
    } catch (error) {
      failure = error;
      // An entry of a later release is not ours; any other that can't be read may be.
      if (isStoreError(error, "ABORTED") || isStoreError(error, "UNSUPPORTED")) throw error;
      isOpen = true;
    }
    const retryAfterMs = isStoreError(failure) ? failure.retryAfterMs : undefined;
    const givesUp = isDefinite(failure);
    if (givesUp || !(await calls.pause(request, deadlineMs, count, retryAfterMs))) {
      throw indeterminate(context, entry, failure);
    }
  }
}

/** Makes the error of a write of which nobody knows; it carries what to try it again with. */
function indeterminate({ bucket }: LogContext, entry: TagEntry, cause: unknown): StoreError {
  const { tag, seq, nonce, op } = entry;
  const why = isStoreError(cause) ? ` (${cause.detail})` : "";
  const error = new StoreError({
    code: "INDETERMINATE",
    operation: op,
    subject: tag,
    source: bucket.name,
    message:
      `sequence ${seq} may have been written, which could not be found out in time${why}; ` +
      `try again with nonce ${nonce} and base ${seq - 1}`,
    cause,
  });
  return Object.assign(error, { retry: { nonce, base: seq - 1 } });
}
