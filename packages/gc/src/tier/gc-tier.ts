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

/** Milliseconds of the shortest grace: clocks, uploads and the format's own minute all fit in it. */
export const graceMsMin: number = 60 * 60 * 1000;

/** How long gc must have been enabled before anything is moved: every process has read it by then. */
const settleMs = 10 * 60_000;

export interface CheckTierOptions {
  readonly metadataId: string;
  /** Where the metadata lies; see `placeOf`. */
  readonly metadataPlace: string;
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
 * Rejects with CONFIG_INVALID where gc is not enabled there, names another metadata bucket or another
 * place of it, or has a grace under an hour; PRECONDITION_FAILED where it was enabled less than ten
 * minutes ago, UNSUPPORTED where the service tells no time or lacks a capability.
 */
export async function checkTier(
  tier: GcTier,
  { metadataId, metadataPlace, dryRun, graceMs, signal }: CheckTierOptions,
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
    const assumed = { metadata: metadataId, metadataPlace, graceMs };
    return { ...tier, gc: assumed, enabled: false, markedAtMs };
  }
  const problem = problemOf(gc, metadataId, metadataPlace);
  if (problem !== undefined) throw refusal(tier, "CONFIG_INVALID", problem);
  const sinceMs = info === undefined ? undefined : ageMs(bucket, info);
  if (!dryRun && !(sinceMs !== undefined && sinceMs > settleMs)) {
    const message = "gc was enabled or changed less than ten minutes ago; try again after that";
    throw refusal(tier, "PRECONDITION_FAILED", message);
  }
  return { ...tier, gc, enabled: true, markedAtMs };
}

/** Says why a store may not be collected by this metadata bucket; undefined where it may. */
function problemOf(gc: GcFormat, metadataId: string, metadataPlace: string): string | undefined {
  if (gc.metadata !== metadataId) {
    return `its garbage is decided by the metadata bucket ${gc.metadata}, not ${metadataId}`;
  }
  if (gc.metadataPlace !== metadataPlace) {
    const place = gc.metadataPlace === undefined ? "a place unnamed" : gc.metadataPlace;
    return (
      `its garbage is decided by the metadata at ${place}, not by what may be a copy of it at ` +
      `${metadataPlace}; use that one, or enable gc again where the metadata was moved for good`
    );
  }
  if (gc.graceMs < graceMsMin) {
    return `its grace of ${gc.graceMs} ms is under an hour; enable gc again with a longer one`;
  }
  return undefined;
}

function refusal(
  { name }: GcTier,
  code: "UNSUPPORTED" | "CONFIG_INVALID" | "PRECONDITION_FAILED",
  message: string,
  serviceCode?: string,
): StoreError {
  return new StoreError({ code, operation: "gc", source: name, message, serviceCode });
}
