import { partLimits } from "./s3-settings.ts";

const mebibyte = 1024 * 1024;

/** Parts of an object of unknown size that have one length, before the next have twice of it. */
const partsPerLength = 1000;

/** Bytes of parts that are in memory at once, however long a part has to be. */
const inFlightBytesMax = 256 * mebibyte;

/** How an object is cut into parts. */
export interface PartPlan {
  /** Bytes of a part, by its number from 1; all but the last have that many. */
  bytesOf(number: number): number;
}

/**
 * Plans the parts so that 10,000 of them, S3's limit, are enough. Where the size is known all are
 * of one length. Where it is not they grow: 1,000 of 8 MiB, 1,000 of 16 MiB and so on, which holds
 * the largest object.
 */
export function partPlan(partBytes: number, size: number | undefined): PartPlan {
  if (size === undefined) {
    return {
      bytesOf: (number) =>
        Math.min(partLimits.bytesMax, partBytes * 2 ** Math.floor((number - 1) / partsPerLength)),
    };
  }
  const needed = Math.ceil(size / partLimits.countMax / mebibyte) * mebibyte;
  const bytes = Math.max(partBytes, needed);
  return { bytesOf: () => bytes };
}

/** Returns how many parts of this length may be in memory at once: one at least. */
export function partsAtOnce(partsInFlightMax: number, bytes: number): number {
  return Math.max(1, Math.min(partsInFlightMax, Math.floor(inFlightBytesMax / bytes)));
}
