import type { Digest } from "@bitstore/core";
import { type MarkKinds, markKinds } from "../marks/mark-kinds.ts";
import type { CheckedTier } from "../tier/gc-tier.ts";
import { type GcFate, gcFates, type GcTierReport, type Tally } from "./gc-report.ts";

/** Counts what becomes of the blobs of one tier. */
export interface TierTally {
  add(fate: GcFate, digest: Digest, bytes: number, kinds?: MarkKinds): void;
  fail(digest: Digest, error: unknown): void;
  readonly failed: number;
  report(): GcTierReport;
}

const untold: ReadonlySet<GcFate> = new Set(["named", "young", "kept"]);

export function tierTally({ name, enabled, gc }: CheckedTier, digestsShownMax: number): TierTally {
  const fates = Object.fromEntries(gcFates.map((fate) => [fate, zero()])) as Record<GcFate, Count>;
  const byPinAlone = zero();
  const byLeaseAlone = zero();
  const shown: Partial<Record<GcFate, Digest[]>> = {};
  const failures: { digest: Digest; message: string }[] = [];
  let failed = 0;
  return {
    add(fate, digest, bytes, kinds = 0) {
      grow(fates[fate], bytes);
      if (fate === "named" && (kinds & markKinds.tag) === 0) {
        grow((kinds & markKinds.pin) === 0 ? byLeaseAlone : byPinAlone, bytes);
      }
      if (untold.has(fate)) return;
      const list = (shown[fate] ??= []);
      if (list.length < digestsShownMax) list.push(digest);
    },
    fail(digest, error) {
      failed += 1;
      const message = error instanceof Error ? error.message : "unknown error";
      if (failures.length < digestsShownMax) failures.push({ digest, message });
    },
    get failed() {
      return failed;
    },
    report: () => ({
      tier: name,
      enabled,
      graceMs: gc.graceMs,
      fates,
      byPinAlone,
      byLeaseAlone,
      shown,
      failed,
      failures,
    }),
  };
}

interface Count {
  count: number;
  bytes: number;
}

function zero(): Count & Tally {
  return { count: 0, bytes: 0 };
}

function grow(tally: Count, bytes: number): void {
  tally.count += 1;
  tally.bytes += bytes;
}
