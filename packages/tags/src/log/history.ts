import { type TagEntry, type TagHistoryOptions, type TagRecord } from "@bitstore/core";
import { type LogContext, requestOf } from "./context.ts";
import { recordOf } from "./manifest.ts";
import { readEntry } from "./read-entry.ts";

/**
 * Yields what happened to a tag, newest first. The newest entry names up to 16 before it, so that
 * most questions cost no more than the head did, and a long history one request for 17 records.
 */
export async function* history(
  context: LogContext,
  tag: string,
  options: TagHistoryOptions,
): AsyncGenerator<TagRecord, void, void> {
  const { heads, calls } = context;
  const request = requestOf("history", tag, options);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  if (left <= 0) return;
  const head = await heads.read(tag, request, calls.deadline());
  let next = Math.min(head.seq, (options.before ?? Number.POSITIVE_INFINITY) - 1);
  let { entry } = head;
  while (next >= 1 && left > 0) {
    let record = entry === undefined ? undefined : namedBy(entry, next);
    if (record === undefined) {
      entry = await readEntry(context, tag, next, request, calls.deadline());
      record = recordOf(entry);
    }
    yield record;
    next -= 1;
    left -= 1;
  }
}

/** Finds what an entry knows of a sequence: itself, or one of those that it names. */
export function namedBy(entry: TagEntry, seq: number): TagRecord | undefined {
  if (entry.seq === seq) return recordOf(entry);
  return entry.recent.find((record) => record.seq === seq);
}
