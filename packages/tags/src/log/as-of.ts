import type { CallOptions, TagEntry } from "@bitstore/core";
import { type LogContext, requestOf } from "./context.ts";
import { readEntry } from "./read-entry.ts";

/**
 * Finds the entry that was the newest at a time. Entries' times ascend with their sequences, so that
 * it takes the head and at most a logarithm of the log's length, whatever lists cost.
 */
export async function asOf(
  context: LogContext,
  tag: string,
  timeMs: number,
  options: CallOptions,
): Promise<TagEntry | undefined> {
  const { heads, calls } = context;
  const request = requestOf("asOf", tag, options);
  const deadlineMs = calls.deadline();
  const read = (seq: number): Promise<TagEntry> =>
    readEntry(context, tag, seq, request, deadlineMs);
  const isBefore = ({ time }: { readonly time: string }): boolean => Date.parse(time) <= timeMs;

  const { entry: head } = await heads.read(tag, request, deadlineMs);
  if (head === undefined || isBefore(head)) return head;
  // The newest entry at the time is at `low` or above it, and below `high`.
  let low = 0;
  let high = head.seq;
  let near: TagEntry = head;
  for (;;) {
    for (const record of near.recent) {
      if (!isBefore(record)) high = Math.min(high, record.seq);
      else low = Math.max(low, record.seq);
    }
    if (low >= high - 1) break;
    near = await read(low + Math.ceil((high - low) / 2));
    if (isBefore(near)) low = near.seq;
    else high = near.seq;
  }
  if (low === 0) return undefined;
  return near.seq === low ? near : await read(low);
}
