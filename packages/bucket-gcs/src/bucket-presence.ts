import type { Clock } from "@bitstore/core";

/** Tells a bucket that does not exist from an object that does not. */
export interface BucketPresence {
  /** Resolves to whether the bucket is there; asks the service at most every few seconds. */
  exists(): Promise<boolean>;
  /** Says that the service has just shown it, which saves the next question. */
  seen(): void;
}

/** Milliseconds for which a bucket that was there is taken to be there still. */
const presentMs = 30_000;
/** Milliseconds for which one that was not there is not asked for again. */
const absentMs = 2_000;

/**
 * Remembers for seconds whether a bucket exists, since a 404 for an object does not say. Callers
 * that come together share one question. A question that fails is an answer to nobody: it rejects
 * for all who wait, and is not remembered.
 */
export function bucketPresence(ask: () => Promise<boolean>, clock: Clock): BucketPresence {
  let known: { readonly exists: boolean; readonly until: number } | undefined;
  let asking: Promise<boolean> | undefined;

  const remember = (exists: boolean): void => {
    known = { exists, until: clock.now() + (exists ? presentMs : absentMs) };
  };

  async function question(): Promise<boolean> {
    try {
      const exists = await ask();
      remember(exists);
      return exists;
    } finally {
      asking = undefined;
    }
  }

  return {
    async exists() {
      if (known !== undefined && clock.now() < known.until) return known.exists;
      asking ??= question();
      return asking;
    },
    seen: () => remember(true),
  };
}
