import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import { publishAlarm } from "../diagnostics.ts";
import type { Digest } from "../digest.ts";
import { isStoreError } from "../errors.ts";
import type { Generations } from "./generations.ts";
import type { Tier } from "./tier.ts";

/** How long a corrupt copy is passed over; then it is read, and judged, again. */
const corruptTtlMs = 10 * 60_000;

/** What a composite remembers of its tiers, in memory and for a while only; the latest `entriesMax`. */
export interface Memories {
  isKnownMiss(tier: Tier, digest: Digest): boolean;
  /** Remembers a miss, unless the digest was written since the lookup started. */
  noteMiss(tier: Tier, digest: Digest, lookupGeneration: number): void;
  isKnownCorrupt(tier: Tier, digest: Digest): boolean;
  /** Raises an alarm too where the bytes were wrong, once as long as it is remembered. */
  noteCorrupt(tier: Tier, digest: Digest, error: unknown): void;
  /** Whether a version of a tier's object was read whole and matched its digest. */
  isVerified(tier: Tier, digest: Digest, version: string | undefined): boolean;
  noteVerified(tier: Tier, digest: Digest, version: string | undefined): void;
  /** Whether bytes of several tiers, put together, were wrong lately. */
  isMixed(digest: Digest): boolean;
  noteMixed(digest: Digest): void;
  /** Forgets all of a digest in a tier, since it was written or deleted there. */
  forget(tier: Tier, digest: Digest): void;
}

export function memories(clock: Clock, writes: Generations, entriesMax: number): Memories {
  interface Miss {
    readonly untilMs: number;
    readonly generation: number;
  }
  const misses = new LRUCache<string, Miss>({ max: entriesMax });
  const corrupt = new LRUCache<string, number>({ max: entriesMax });
  const verified = new LRUCache<string, string>({ max: entriesMax });
  const mixed = new LRUCache<Digest, number>({ max: entriesMax });
  const at = (tier: Tier, digest: Digest): string => `${tier.name} ${digest}`;
  return {
    isKnownMiss(tier, digest) {
      if (tier.negativeTtlMs === 0) return false;
      const miss = misses.get(at(tier, digest));
      return (
        miss !== undefined && miss.untilMs > clock.now() && miss.generation === writes.of(digest)
      );
    },
    noteMiss(tier, digest, lookupGeneration) {
      if (tier.negativeTtlMs === 0 || writes.of(digest) !== lookupGeneration) return;
      const untilMs = clock.now() + tier.negativeTtlMs;
      misses.set(at(tier, digest), { untilMs, generation: lookupGeneration });
    },
    isKnownCorrupt: (tier, digest) => (corrupt.get(at(tier, digest)) ?? 0) > clock.now(),
    noteCorrupt(tier, digest, error) {
      const isKnown = (corrupt.get(at(tier, digest)) ?? 0) > clock.now();
      corrupt.set(at(tier, digest), clock.now() + corruptTtlMs);
      if (!isKnown && isStoreError(error, "DIGEST_MISMATCH")) {
        publishAlarm({ kind: "corrupt-copy", subject: digest, source: tier.name, error });
      }
      verified.delete(at(tier, digest));
    },
    isVerified: (tier, digest, version) =>
      version !== undefined && verified.get(at(tier, digest)) === version,
    noteVerified(tier, digest, version) {
      if (version !== undefined) verified.set(at(tier, digest), version);
    },
    isMixed: (digest) => (mixed.get(digest) ?? 0) > clock.now(),
    noteMixed(digest) {
      mixed.set(digest, clock.now() + corruptTtlMs);
    },
    forget(tier, digest) {
      misses.delete(at(tier, digest));
      corrupt.delete(at(tier, digest));
      verified.delete(at(tier, digest));
    },
  };
}
