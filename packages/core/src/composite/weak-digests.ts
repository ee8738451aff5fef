import { LRUCache } from "lru-cache";
import type { Bucket } from "../bucket.ts";
import { collect } from "../bytes.ts";
import { algorithmOf, type Digest, hexOf, parseDigest } from "../digest.ts";
import { isStoreError, StoreError } from "../errors.ts";
import { publishAlarm } from "../diagnostics.ts";

/**
 * Remembers which bytes a weak digest named when they were first seen. Two files with one SHA-1 can
 * be made on purpose, so the SHA-256 of the first is recorded, create-only, and whatever comes later
 * under the same name must have it too.
 */
export interface WeakDigests {
  isWeak(digest: Digest): boolean;
  /**
   * Records what a weak digest names, or compares it with what is recorded. Rejects with
   * DIGEST_MISMATCH, and raises an alarm, where they differ. Where the record can't be reached the
   * bytes pass and the alarm says so: an outage of the metadata must not stop all reads.
   */
  confirm(weak: Digest, strong: Digest, source: string, signal?: AbortSignal): Promise<void>;
  /** Resolves to what is recorded of a weak digest; undefined where nothing is. */
  strongOf(weak: Digest, signal?: AbortSignal): Promise<Digest | undefined>;
}

/** Digests whose record is known; each spares a request. */
const knownMax = 100_000;
const recordBytesMax = 256;

/** Takes weak digests as they come: where there is no bucket to record them in. */
export const noWeakDigests: WeakDigests = {
  isWeak: () => false,
  confirm: () => Promise.resolve(),
  strongOf: () => Promise.resolve(undefined),
};

/** Keeps the records in a bucket, one small object for each weak digest, below `weak/`. */
export function weakDigests(bucket: Bucket): WeakDigests {
  const known = new LRUCache<Digest, Digest>({ max: knownMax });

  async function recorded(weak: Digest, strong: Digest, signal?: AbortSignal): Promise<Digest> {
    // Who may only read compares as well; a record is written once and never again.
    const found = await readRecord(weak, signal);
    if (found !== undefined) return found;
    const body = new TextEncoder().encode(strong);
    const put = { ifAbsent: true, size: body.byteLength, contentType: "text/plain", signal };
    if ((await bucket.put(keyOf(weak), body, put)) === "created") return strong;
    return (await readRecord(weak, signal)) ?? strong;
  }

  async function readRecord(weak: Digest, signal?: AbortSignal): Promise<Digest | undefined> {
    const content = await bucket.read(keyOf(weak), { signal });
    if (content === undefined) return undefined;
    return parseDigest(new TextDecoder().decode(await collect(content.body, recordBytesMax)));
  }

  return {
    isWeak: (digest) => algorithmOf(digest) === "sha1",
    strongOf: async (weak, signal) => known.get(weak) ?? (await readRecord(weak, signal)),
    async confirm(weak, strong, source, signal) {
      let first = known.get(weak);
      try {
        first ??= await recorded(weak, strong, signal);
      } catch (error) {
        if (isStoreError(error, "ABORTED")) throw error;
        publishAlarm({ kind: "weak-digest-unrecorded", subject: weak, source, error });
        return;
      }
      known.set(weak, first);
      if (first === strong) return;
      const error = new StoreError({
        code: "DIGEST_MISMATCH",
        operation: "open",
        subject: weak,
        source,
        message:
          `other bytes with the same ${algorithmOf(weak)} were recorded first (${first}); this copy ` +
          `is ${strong}, and both are kept: someone made them collide`,
      });
      publishAlarm({ kind: "weak-digest-collision", subject: weak, source, error });
      throw error;
    },
  };
}

function keyOf(weak: Digest): string {
  const hex = hexOf(weak);
  return `weak/${algorithmOf(weak)}/${hex.slice(0, 2)}/${hex}`;
}
