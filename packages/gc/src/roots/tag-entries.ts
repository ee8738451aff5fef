import {
  type CallOptions,
  type Digest,
  mapConcurrent,
  StoreError,
  type TagEntry,
  type TagLog,
} from "@bitstore/core";

/** Which entries of a tag keep their blobs; all of them where neither is given. */
export interface Retention {
  /** The newest so many different targets of each tag; at least 1. */
  readonly keepVersions?: number | undefined;
  /** What a tag pointed to at any time in the last so many days. */
  readonly keepDays?: number | undefined;
}

/** Entries of one tag that are read at a time. */
const entriesMax = 16;

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Yields the entries of a tag whose blobs are kept, newest first. Where both limits are given, an
 * entry is kept by either; what the tag points to now, or pointed to before it was deleted, always is.
 *
 * Rejects with INTERNAL where an entry is missing: nobody can tell what it named.
 */
export async function* keptEntries(
  log: TagLog,
  tag: string,
  retention: Retention,
  nowMs: number,
  call: CallOptions,
): AsyncGenerator<TagEntry, void, void> {
  const head = await log.head(tag, call);
  if (head === undefined) throw gap(log, tag, 1);
  const stop = new AbortController();
  const { signal } = stop;
  const entries = mapConcurrent(
    countdown(head.seq),
    { concurrencyMax: entriesMax, ordered: true, waitingMax: entriesMax, signal },
    async (seq) => {
      const entry = seq === head.seq ? head : await log.get(tag, seq, call);
      if (entry === undefined) throw gap(log, tag, seq);
      return entry;
    },
    () => stop.abort(),
  );
  const keeps = keeper(retention, nowMs);
  for await (const entry of entries) {
    if (!keeps(entry)) return;
    yield entry;
  }
}

/** Decides of entries, newest first: once one is not kept, none before it is. */
function keeper(
  { keepVersions, keepDays }: Retention,
  nowMs: number,
): (entry: TagEntry) => boolean {
  if (keepVersions === undefined && keepDays === undefined) return () => true;
  const sinceMs = keepDays === undefined ? Number.POSITIVE_INFINITY : nowMs - keepDays * dayMs;
  const versionsMax = Math.max(1, keepVersions ?? 1);
  const versions = new Set<Digest>();
  // An entry was in force until the one after it was written; the newest is in force still.
  let endedMs = Number.POSITIVE_INFINITY;
  return ({ target, time }) => {
    if (target !== undefined && versions.size <= versionsMax) versions.add(target.digest);
    const wasLately = endedMs >= sinceMs;
    endedMs = Date.parse(time);
    return versions.size <= versionsMax || wasLately;
  };
}

function* countdown(from: number): Generator<number, void, void> {
  for (let seq = from; seq >= 1; seq -= 1) yield seq;
}

function gap(log: TagLog, tag: string, seq: number): StoreError {
  return new StoreError({
    code: "INTERNAL",
    operation: "gc",
    subject: tag,
    source: log.name,
    message: `entry ${seq} is missing, so what it named is unknown; nothing is collected`,
  });
}
