import type { TagEntry } from "@bitstore/core";
import type { Request } from "./calls.ts";
import type { LogContext } from "./context.ts";
import type { Head } from "./heads.ts";
import { readEntry } from "./read-entry.ts";

/**
 * Looks for the entry with a nonce among those after `base`, from the newest down. Each entry that is
 * read names up to 16 before it, so that is one request for 17 of them.
 */
export async function findNonce(
  context: LogContext,
  tag: string,
  { head, base, nonce }: { readonly head: Head; readonly base: number; readonly nonce: string },
  request: Request,
  deadlineMs: number,
): Promise<TagEntry | undefined> {
  let { entry } = head;
  const read = (seq: number): Promise<TagEntry> =>
    readEntry(context, tag, seq, request, deadlineMs);
  while (entry !== undefined && entry.seq > base) {
    if (entry.nonce === nonce) return entry;
    for (const record of entry.recent) {
      if (record.seq <= base) return undefined;
      if (record.nonce === nonce) return await read(record.seq);
    }
    const next: number = (entry.recent.at(-1)?.seq ?? entry.seq) - 1;
    entry = next > base ? await read(next) : undefined;
  }
  return undefined;
}
