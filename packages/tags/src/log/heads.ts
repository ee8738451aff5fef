import { LRUCache } from "lru-cache";
import {
  type Bucket,
  type CallOptions,
  type Clock,
  publishAlarm,
  StoreError,
  type TagEntry,
} from "@bitstore/core";
import type { Calls, Request } from "./calls.ts";
import { type Entries, missingEntry } from "./entries.ts";
import type { TagLimits } from "./limits.ts";

/** The newest entry as far as is known: sequence 0 without an entry is a tag that was never set. */
export interface Head {
  readonly seq: number;
  readonly entry: TagEntry | undefined;
}

/** Finds the newest entries of tags, and remembers them. */
export interface Heads {
  /** What is remembered, which may be old. */
  known(tag: string): Head | undefined;
  /** Asks the bucket, unless it was asked less than `maxAgeMs` ago. */
  read(tag: string, request: Request, deadlineMs: number, maxAgeMs?: number): Promise<Head>;
  /**
   * Remembers an entry that was read, or that was sent at a time and became the newest after it. An
   * older one than is known changes nothing.
   */
  learn(tag: string, entry: TagEntry, sentAtMs?: number): void;
}

interface Known extends Head {
  readonly askedAtMs: number;
  readonly listedAtMs: number;
}

/** Bytes that remembering a tag takes beside its manifest, which is kept parsed: about twice. */
const knownBytes = 512;

export function createHeads(
  bucket: Bucket,
  entries: Entries,
  calls: Calls,
  limits: TagLimits,
  clock: Clock,
): Heads {
  const heads = new LRUCache<string, Known>({
    maxSize: limits.headsBytesMax,
    sizeCalculation: ({ entry }) => knownBytes + (entry === undefined ? 0 : weigh(entry)),
  });

  /** Keeps the newest of what is known and what was found; a reader never goes back. */
  function remember(tag: string, found: Known): Head {
    const known = heads.get(tag);
    const isNewer = known === undefined || found.seq >= known.seq;
    const newest = isNewer ? found : { ...known, askedAtMs: found.askedAtMs };
    heads.set(tag, newest);
    return newest;
  }

  /** Reads the entries after a known one, by one request each, as long as there are some. */
  async function probe(
    tag: string,
    known: Known,
    ask: (seq: number) => Promise<TagEntry | undefined>,
  ): Promise<Head | undefined> {
    let newest = known;
    for (let hits = 0; hits < limits.probesMax; hits += 1) {
      const askedAtMs = clock.now();
      const entry = await ask(newest.seq + 1);
      if (entry === undefined) return remember(tag, { ...newest, askedAtMs });
      // Until there is no later one, it is not known how new it is.
      newest = { ...newest, seq: entry.seq, entry };
      remember(tag, newest);
    }
    return undefined;
  }

  async function readCold(tag: string, options: CallOptions, before: Head): Promise<Known> {
    const askedAtMs = clock.now();
    const stamps = { askedAtMs, listedAtMs: askedAtMs };
    const seq = await entries.newest(tag, options);
    if (seq < before.seq) {
      wentBack(tag, seq, before);
      return { ...before, ...stamps };
    }
    if (seq === before.seq) return { ...before, ...stamps };
    const entry = await entries.read(tag, seq, options);
    if (entry === undefined) throw missingEntry(tag, seq, bucket.name);
    return { seq, entry, ...stamps };
  }

  function wentBack(tag: string, seq: number, before: Head): void {
    const message = `the newest entry is ${seq} where ${before.seq} was read before: entries were lost`;
    const error = new StoreError({
      code: "UNAVAILABLE",
      operation: "head",
      subject: tag,
      source: bucket.name,
      persistence: "permanent",
      message,
    });
    publishAlarm({ kind: "tag-head-went-back", subject: tag, source: bucket.name, error });
  }

  return {
    known: (tag) => heads.get(tag),
    async read(tag, request, deadlineMs, maxAgeMs = 0) {
      const known = heads.get(tag);
      const nowMs = clock.now();
      if (known !== undefined && nowMs - known.askedAtMs < maxAgeMs) return known;
      if (known !== undefined && nowMs - known.listedAtMs < limits.relistMs) {
        const head = await probe(tag, known, (seq) =>
          calls.retried(request, deadlineMs, (options) => entries.read(tag, seq, options)),
        );
        if (head !== undefined) return head;
      }
      const before = heads.get(tag) ?? { seq: 0, entry: undefined };
      const found = await calls.retried(request, deadlineMs, (options) =>
        readCold(tag, options, before),
      );
      return remember(tag, found);
    },
    learn(tag, entry, sentAtMs) {
      const known = heads.get(tag);
      if (known !== undefined && known.seq >= entry.seq) return;
      const listedAtMs = known?.listedAtMs ?? clock.now();
      const askedAtMs = sentAtMs ?? Number.NEGATIVE_INFINITY;
      heads.set(tag, { seq: entry.seq, entry, askedAtMs, listedAtMs });
    },
  };
}

/** Estimates an entry's bytes in memory without writing it out. */
function weigh({ annotations = {}, recent, reason = "" }: TagEntry): number {
  const words = Object.entries(annotations).flat().join("").length;
  const past = recent.reduce((sum, record) => sum + 300 + (record.reason?.length ?? 0), 0);
  return 2 * (600 + words + reason.length + past);
}
