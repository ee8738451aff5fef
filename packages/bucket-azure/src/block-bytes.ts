/** Blocks of one object: https://learn.microsoft.com/rest/api/storageservices/put-block-list */
export const blocksMax = 50_000;

/** Bytes of the greatest block that the service takes. */
export const blockBytesMax: number = 4000 * 2 ** 20;

/** Bytes of the largest object: as many blocks as there may be, each as great as it may be. */
export const objectBytesMax: number = blocksMax * blockBytesMax;

/**
 * Blocks of an upload of unknown size grow so that each is at least this part of what came before.
 * Beginning with 8 MiB they grow from 39 GiB on, and 50,000 of them hold 72 TiB.
 */
const growthDivisor = 5000;

/**
 * Tells how large the next block is: the part size, or more where the object would not fit into
 * the number of blocks that it may have otherwise.
 *
 * @param offset bytes that are in blocks already.
 * @param size bytes of the whole object, where known.
 */
export function nextBlockBytes(
  partBytes: number,
  offset: number,
  size: number | undefined,
): number {
  const least = size === undefined ? offset / growthDivisor : size / blocksMax;
  return Math.min(Math.max(partBytes, Math.ceil(least)), blockBytesMax);
}

/** Tells how many blocks may be in memory: fewer of those that have grown, at least one. */
export function blocksInFlight(
  partBytes: number,
  partsInFlightMax: number,
  blockBytes: number,
): number {
  return Math.max(1, Math.floor((partBytes * partsInFlightMax) / blockBytes));
}
