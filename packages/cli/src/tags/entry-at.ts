import { isLive, type TagEntry, type TagLog, type TagTarget } from "@bitstore/core";
import { hinted } from "../frame/hinted.ts";
import type { TagReference } from "./tag-reference.ts";

/** An entry that points to a blob. */
export type LiveEntry = TagEntry & { readonly target: TagTarget };

/** What an error says of where it happened. */
export interface ErrorPlace {
  readonly operation: string;
  readonly subject: string;
}

/**
 * Finds the entry that a reference names. Rejects with NOT_FOUND where there is none, or where it is
 * a tombstone: the message says which, and when and by whom the tag was deleted.
 */
export async function entryAt(
  log: TagLog,
  { name, seq, time }: TagReference,
  about: ErrorPlace,
  signal: AbortSignal,
): Promise<LiveEntry> {
  const call = { signal };
  let entry: TagEntry | undefined;
  if (seq !== undefined) entry = await log.get(name, seq, call);
  else if (time !== undefined) entry = await log.asOf(name, time, call);
  else entry = await log.head(name, call);
  if (isLive(entry)) return entry;
  if (entry !== undefined) throw deleted(entry, about);

  const head = seq === undefined && time === undefined ? undefined : await log.head(name, call);
  const problem = { code: "NOT_FOUND", ...about } as const;
  if (head === undefined) {
    const hint = "bitstore tag ls lists the tags";
    throw hinted({ ...problem, message: "the tag was never set", hint });
  }
  const hint = `bitstore tag log ${name}`;
  if (seq !== undefined) {
    const message = `it has no sequence ${seq}; the newest is ${head.seq}`;
    throw hinted({ ...problem, message, hint });
  }
  const message = `the tag was not set yet at ${time?.toISOString()}`;
  throw hinted({ ...problem, message, hint });
}

function deleted(entry: TagEntry, about: ErrorPlace): Error {
  const { tag, seq, time, actor, reason, recent } = entry;
  const why = reason === undefined ? "" : ` (${reason})`;
  const before = recent.find(({ digest }) => digest !== undefined);
  return hinted({
    code: "NOT_FOUND",
    ...about,
    message: `the tag was deleted at ${time} by ${actor}, sequence ${seq}${why}`,
    hint:
      before === undefined
        ? `bitstore tag log ${tag}`
        : `bitstore tag rollback ${tag} ${before.seq} brings back what it named before`,
  });
}
