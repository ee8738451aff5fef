import { type Bucket, collect, openBody } from "@bitstore/core";

/** One change of a bucket's objects, at an instant of the simulation. */
export interface Effect {
  readonly step: number;
  readonly timeMs: number;
  readonly kind: "created" | "replaced" | "deleted";
  readonly key: string;
  /** What was stored; empty for `deleted`. */
  readonly bytes: Uint8Array;
}

/** A bucket that remembers each change of its objects, in their order. */
export interface WatchedBucket extends Bucket {
  readonly effects: readonly Effect[];
}

/**
 * Notes what really happens to a bucket's objects, whoever asked and whatever they were told: the
 * evidence of an oracle. Put it directly around the bucket.
 */
export function watchedBucket(
  inner: Bucket,
  instant: { readonly step: number; readonly timeMs: number },
): WatchedBucket {
  const effects: Effect[] = [];
  const present = new Set<string>();
  const note = (kind: Effect["kind"], key: string, bytes: Uint8Array): void => {
    effects.push({ step: instant.step, timeMs: instant.timeMs, kind, key, bytes });
  };
  return {
    ...inner,
    effects,
    async put(key, body, options) {
      const bytes = (await collect(openBody(body))).slice();
      const outcome = await inner.put(key, bytes, options);
      if (outcome === "existed") return outcome;
      note(present.has(key) ? "replaced" : "created", key, bytes);
      present.add(key);
      return outcome;
    },
    async delete(key, options) {
      const existed = await inner.delete(key, options);
      if (existed) note("deleted", key, new Uint8Array());
      present.delete(key);
      return existed;
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}
