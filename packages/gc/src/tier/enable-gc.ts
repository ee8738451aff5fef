import {
  type Bucket,
  type CallOptions,
  formatBytes,
  formatKey,
  type FoundFormat,
  isStoreError,
  type Layout,
  readStoreFormat,
  StoreError,
  type StoreFormat,
  storeFormat,
} from "@bitstore/core";
import { checkGcBucket, graceMsMin } from "./gc-tier.ts";

/** A week: long enough for a pipeline that stands still over a weekend to tag what it put. */
export const graceMsDefault: number = 7 * 24 * 60 * 60 * 1000;

export interface EnableGcOptions extends CallOptions {
  /** Id of the metadata bucket that says what is kept; see `metadataIdOf`. */
  readonly metadataId: string;
  /** Where that bucket lies, as `placeOf` says it: a copy of it elsewhere has the same id. */
  readonly metadataPlace: string;
  /** Milliseconds that a blob which nothing names is left alone after a put; a week if left out. */
  readonly graceMs?: number | undefined;
}

/** What enabling changed. */
export type EnableGcOutcome = "enabled" | "changed" | "unchanged";

const roundsMax = 5;

/**
 * Allows garbage collection in a store, by one metadata bucket alone, or changes its grace, or where
 * that bucket lies: enable it again once the metadata was moved. From then on releases that know format 1 alone refuse the store: restart processes of such that are running,
 * since they look once only. A collector waits for ten minutes first.
 *
 * Rejects with CONFIG_INVALID where another metadata bucket is named, UNSUPPORTED where the bucket
 * can't do what gc needs or a later release wrote the format, INVALID_ARGUMENT for a grace under an
 * hour.
 */
export async function enableGc(
  bucket: Bucket,
  layout: Layout,
  { metadataId, metadataPlace, graceMs = graceMsDefault, signal }: EnableGcOptions,
): Promise<EnableGcOutcome> {
  if (!Number.isSafeInteger(graceMs) || graceMs < graceMsMin) throw tooShort(graceMs);
  checkGcBucket(bucket);
  const wanted: StoreFormat = {
    layout: layout.name,
    minReader: 2,
    minWriter: 2,
    gc: { metadata: metadataId, metadataPlace, graceMs },
  };
  const body = formatBytes(wanted);
  for (let round = 0; round < roundsMax; round += 1) {
    const found = await readStoreFormat(bucket, layout.root, { signal });
    if (found !== undefined) checkFound(bucket, layout, found, metadataId);
    const before = found?.format.gc;
    const isSame = before?.graceMs === graceMs && before.metadataPlace === metadataPlace;
    if (isSame) return "unchanged";
    const condition = found === undefined ? { ifAbsent: true } : { ifVersion: found.version };
    try {
      const put = { ...condition, size: body.byteLength, signal };
      const outcome = await bucket.put(layout.root + formatKey, body, put);
      if (outcome !== "existed") return before === undefined ? "enabled" : "changed";
    } catch (error) {
      // Somebody else has written it meanwhile, so it is read again.
      if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
    }
  }
  throw new StoreError({
    code: "UNAVAILABLE",
    operation: "gc",
    source: bucket.name,
    message: "its _bitstore.json changed again and again meanwhile; try again",
  });
}

function checkFound(
  bucket: Bucket,
  layout: Layout,
  { format, version }: FoundFormat,
  metadataId: string,
): void {
  const refuse = (code: "CONFIG_INVALID" | "UNSUPPORTED", message: string): StoreError =>
    new StoreError({ code, operation: "gc", source: bucket.name, message });
  if (Math.max(format.minReader, format.minWriter) > storeFormat) {
    throw refuse("UNSUPPORTED", "a later release wrote its _bitstore.json; use that one");
  }
  if (format.layout !== layout.name) {
    throw refuse("CONFIG_INVALID", `its blobs are laid out ${format.layout}, not ${layout.name}`);
  }
  if (version === undefined) {
    throw refuse("UNSUPPORTED", "it gives objects no version, so its format can't be replaced");
  }
  if (format.gc !== undefined && format.gc.metadata !== metadataId) {
    throw refuse(
      "CONFIG_INVALID",
      `its garbage is decided by the metadata bucket ${format.gc.metadata}, not ${metadataId}`,
    );
  }
}

function tooShort(graceMs: number): StoreError {
  return new StoreError({
    code: "INVALID_ARGUMENT",
    operation: "gc",
    message: `a grace of ${graceMs} ms is no whole number of at least ${graceMsMin} (an hour)`,
  });
}
