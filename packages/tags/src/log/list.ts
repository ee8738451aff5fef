import { compareTagNames, mapConcurrent, type TagEntry, type TagListOptions } from "@bitstore/core";
import type { Request } from "./calls.ts";
import { type LogContext, requestOf } from "./context.ts";

interface Listed {
  readonly tag: string;
  /** Sequence of the newest marker; undefined where there is none. */
  readonly marker: number | undefined;
}

/**
 * Yields names of tags by one LIST a thousand, beside one of the markers of deleted ones. A tag with a
 * marker is looked at: it is deleted if the entry of its newest marker is a tombstone and the last.
 */
export async function* listTags(
  context: LogContext,
  options: TagListOptions,
): AsyncGenerator<string, void, void> {
  const { concurrencyMax } = context.limits;
  const request = requestOf("list", options.prefix ?? "", options);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  if (options.deleted === true) {
    for await (const tag of names(context, options)) {
      yield tag;
      left -= 1;
      if (left <= 0) return;
    }
    return;
  }
  const stop = new AbortController();
  const looked = mapConcurrent(
    withMarkers(context, options),
    { concurrencyMax, ordered: true, waitingMax: concurrencyMax * 8, signal: stop.signal },
    async ({ tag, marker }) => {
      const deleted = marker !== undefined && (await isDeleted(context, tag, marker, request));
      return deleted ? undefined : tag;
    },
    () => stop.abort(),
  );
  for await (const tag of looked) {
    if (tag === undefined) continue;
    yield tag;
    left -= 1;
    if (left <= 0) return;
  }
}

async function* names(
  { bucket, keys, calls }: LogContext,
  options: TagListOptions,
): AsyncGenerator<string, void, void> {
  const { prefix = "", startAfter } = options;
  const after = startAfter === undefined ? undefined : keys.log(startAfter);
  const found = calls.walk(
    requestOf("list", prefix, options),
    (call) => bucket.listPrefixes(keys.within("root", prefix), { startAfter: after, ...call }),
    (folder) => folder,
  );
  for await (const folder of found) {
    const tag = keys.tagOf(folder);
    if (tag?.startsWith(prefix)) yield tag;
  }
}

/** Joins names and markers, both in the order of the names. */
async function* withMarkers(
  context: LogContext,
  options: TagListOptions,
): AsyncGenerator<Listed, void, void> {
  const { bucket, keys, calls } = context;
  const { prefix = "", startAfter } = options;
  const after = startAfter === undefined ? undefined : keys.markersOf(startAfter);
  const listed = calls.walk(
    requestOf("list", prefix, options),
    (call) => bucket.list(keys.within("markers", prefix), { startAfter: after, ...call }),
    ({ key }) => key,
  );
  const markers = listed[Symbol.asyncIterator]();
  const take = async (): Promise<{ tag: string; seq: number } | undefined> => {
    for (;;) {
      const next = await markers.next();
      if (next.done === true) return undefined;
      const marker = keys.markerOf(next.value.key);
      if (marker !== undefined) return marker;
    }
  };
  try {
    let marker = await take();
    for await (const tag of names(context, options)) {
      let newest: number | undefined;
      while (marker !== undefined && compareTagNames(marker.tag, tag) <= 0) {
        if (marker.tag === tag) newest = marker.seq;
        marker = await take();
      }
      yield { tag, marker: newest };
    }
  } finally {
    await markers.return?.();
  }
}

/**
 * Tells whether a tag is deleted, by its newest marker. No tombstone is without its marker, so where
 * the marker's own entry is none, or has one after it, the tag was set since or not yet deleted.
 */
async function isDeleted(
  { entries, calls }: LogContext,
  tag: string,
  marker: number,
  request: Request,
): Promise<boolean> {
  const read = (seq: number): Promise<TagEntry | undefined> =>
    calls.retried(request, calls.deadline(), (call) => entries.read(tag, seq, call));
  const marked = await read(marker);
  return marked?.op === "delete" && (await read(marker + 1)) === undefined;
}
