import {
  ageMs,
  type Bucket,
  type BucketCapabilities,
  formatKey,
  type GcFormat,
  type Layout,
  readStoreFormat,
  StoreError,
  storeFormat,
} from "@bitstore/core";

/** What the error of a tier says that was not opened to collection, as its `serviceCode`. */
export const gcNotEnabledCode = "GcNotEnabled";

/**
 * A store that may be collected. Give only tiers that may be written: the origin, caches in buckets,
 * and those that say `readOnly=false`.
 */
export interface GcTier {
  readonly name: string;
  readonly bucket: Bucket;
  readonly layout: Layout;
}

/** A tier that was checked, and what its collection goes by. */
export interface CheckedTier extends GcTier {
  readonly gc: GcFormat;
  /** False in a dry run of a tier where gc is not enabled. */
  readonly enabled: boolean;
  /** The service's time right before marking begins. */
  readonly markedAtMs: number;
}

/** How long gc must have been enabled before anything is moved: every process has read it by then. */
export const settleMs: number = 10 * 60_000;

export interface CheckTierOptions {
  readonly metadataId: string;
  readonly dryRun: boolean;
  /** The grace that a dry run goes by where gc is not enabled. */
  readonly graceMs: number;
  readonly signal: AbortSignal | undefined;
}

const needed: readonly (keyof BucketCapabilities)[] = [
  "write",
  "delete",
  "list",
  "createIfAbsent",
  "replaceIfMatch",
];

/** Rejects with UNSUPPORTED where a bucket can't do what a garbage collection stands on. */
export function checkGcBucket(bucket: Bucket): void {
  const missing = needed.filter((each) => bucket.capabilities[each] !== true);
  if (missing.length === 0) return;
  throw new StoreError({
    code: "UNSUPPORTED",
    operation: "gc",
    source: bucket.name,
    message: `garbage collection needs ${missing.join(", ")}, which this bucket lacks`,
  });
}

/**
 * Checks that a tier may be collected now, by this metadata bucket.
 *
 * Rejects with CONFIG_INVALID where gc is not enabled there or names another metadata bucket,
 * PRECONDITION_FAILED where it was enabled less than ten minutes ago, UNSUPPORTED where the service
 * tells no time or lacks a capability.
 */
export async function checkTier(
  tier: GcTier,
  { metadataId, dryRun, graceMs, signal }: CheckTierOptions,
): Promise<CheckedTier> {
  const { bucket, layout } = tier;
  if (!dryRun) checkGcBucket(bucket);
  const found = await readStoreFormat(bucket, layout.root, { signal });
  const info = await bucket.head(layout.root + formatKey, { signal });
  const markedAtMs = bucket.serviceTime()?.getTime();
  if (markedAtMs === undefined) throw refusal(tier, "UNSUPPORTED", "its service tells no time");
  if (found !== undefined) {
    const { minReader, minWriter, layout: laidOut } = found.format;
    if (Math.max(minReader, minWriter) > storeFormat) {
      throw refusal(tier, "UNSUPPORTED", "a later release wrote its format; use that one");
    }
    if (laidOut !== layout.name) {
      throw refusal(tier, "CONFIG_INVALID", `its blobs are laid out ${laidOut}`);
    }
  }
  const gc = found?.format.gc;
  if (gc === undefined) {
    if (!dryRun) {
      const message = "gc is not enabled there; enable it first";
      throw refusal(tier, "CONFIG_INVALID", message, gcNotEnabledCode);
    }
    return { ...tier, gc: { metadata: metadataId, graceMs }, enabled: false, markedAtMs };
  }
  if (gc.metadata !== metadataId) {
    const message = `its garbage is decided by the metadata bucket ${gc.metadata}, not ${metadataId}`;
    throw refusal(tier, "CONFIG_INVALID", message);
  }
  const sinceMs = info === undefined ? undefined : ageMs(bucket, info);
  if (!dryRun && !(sinceMs !== undefined && sinceMs > settleMs)) {
    const message = "gc was enabled or changed less than ten minutes ago; try again after that";
    throw refusal(tier, "PRECONDITION_FAILED", message);
  }
  return { ...tier, gc, enabled: true, markedAtMs };
}

function refusal(
  { name }: GcTier,
  code: "UNSUPPORTED" | "CONFIG_INVALID" | "PRECONDITION_FAILED",
  message: string,
  serviceCode?: string,
): StoreError {
  return new StoreError({ code, operation: "gc", source: name, message, serviceCode });
}
