import type { TagEntry } from "@bitstore/core";
import type { Request } from "./calls.ts";
import type { LogContext } from "./context.ts";
import { missingEntry } from "./entries.ts";

/** Reads an entry that must be there, since a later one is. */
export async function readEntry(
  { calls, entries, bucket }: LogContext,
  tag: string,
  seq: number,
  request: Request,
  deadlineMs: number,
): Promise<TagEntry> {
  const found = await calls.retried(request, deadlineMs, (call) => entries.read(tag, seq, call));
  if (found === undefined) throw missingEntry(tag, seq, bucket.name);
  return found;
}
