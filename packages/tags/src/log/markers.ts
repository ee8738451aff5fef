import { isStoreError } from "@bitstore/core";
import type { Request } from "./calls.ts";
import type { LogContext } from "./context.ts";

/**
 * Markers say which tags may be deleted, so that names are listed without reading every tag. One is
 * written before the tombstone of its sequence; a set that is committed removes those below its own.
 * So a tag without a marker is not deleted, and one with a marker is looked at.
 */
export async function writeMarker(
  { bucket, keys, calls }: LogContext,
  tag: string,
  seq: number,
  request: Request,
  deadlineMs: number,
): Promise<void> {
  // What it says is its key; a byte, since not every service keeps an empty object.
  const body = new TextEncoder().encode("\n");
  await calls.retried(request, deadlineMs, (options) =>
    bucket.put(keys.marker(tag, seq), body, { ...options, size: body.byteLength }),
  );
}

/** Removes the markers below a committed sequence. One that stays costs a look, so it may fail. */
export async function removeMarkers(
  { bucket, keys, calls }: LogContext,
  tag: string,
  below: number,
  request: Request,
): Promise<void> {
  if (!bucket.capabilities.delete) return;
  try {
    await calls.once(request, async (options) => {
      for await (const { key } of bucket.list(keys.markersOf(tag), options)) {
        const seq = keys.markerOf(key)?.seq;
        if (seq !== undefined && seq < below) await bucket.delete(key, options);
      }
    });
  } catch (error) {
    // The entry is written: no failure of what comes after may say otherwise.
    if (!isStoreError(error)) throw error;
  }
}
