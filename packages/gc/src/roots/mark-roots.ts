import {
  type CallOptions,
  type Digest,
  mapConcurrent,
  type TagLog,
  type TagTarget,
} from "@bitstore/core";
import { collectionMediaType } from "@bitstore/tags";
import { type MarkKinds, markKinds } from "../marks/mark-kinds.ts";
import type { MarkSet } from "../marks/mark-set.ts";
import { collectionMarks, type CollectionReader } from "./expand-collection.ts";
import type { GcRoots, RemovableLease, RootLease } from "./gc-roots.ts";
import { keptEntries, type Retention } from "./tag-entries.ts";

export interface MarkOptions {
  readonly roots: GcRoots;
  readonly collections: CollectionReader;
  readonly retention: Retention;
  /** The metadata service's time, for `keepDays`. */
  readonly nowMs: number;
  /** Tags that are read at a time; of each, up to 16 entries. */
  readonly tagsMax: number;
  readonly signal: AbortSignal | undefined;
}

/** What was found to name blobs. */
export interface MarkCounts {
  namespaces: number;
  tags: number;
  /** Entries of tags that keep their blobs. */
  entries: number;
  collections: number;
  pins: number;
  /** Leases that hold. */
  leases: number;
}

/** What marking found beside the marks. */
export interface Marked {
  readonly counts: MarkCounts;
  /** Leases that hold everything: while one does, nothing is collected. */
  readonly pausing: readonly RootLease[];
  readonly lapsed: readonly RemovableLease[];
}

/**
 * Marks every blob that a tag's history, a pin or a lease names. Leases are read first, then pins,
 * then tags: a job that tags what it leased and then lets go is seen in one of them at least.
 */
export async function markRoots(marks: MarkSet, options: MarkOptions): Promise<Marked> {
  const { roots, signal } = options;
  const call: CallOptions = { signal };
  const counts = { namespaces: 0, tags: 0, entries: 0, collections: 0, pins: 0, leases: 0 };
  const add = (digest: Digest, kinds: number): void => marks.add(digest, kinds);
  const collections = collectionMarks(options.collections, add);
  const pausing: RootLease[] = [];
  const lapsed: RemovableLease[] = [];

  async function markTarget(target: TagTarget, kinds: MarkKinds): Promise<void> {
    add(target.digest, kinds);
    for (const digest of target.alsoKnownAs ?? []) add(digest, kinds);
    if (target.mediaType === collectionMediaType) {
      await collections.add(target.digest, kinds, call);
    }
  }

  async function markLeases(namespace: string): Promise<void> {
    for await (const lease of roots.leases(namespace, call)) {
      if (lease.lapsedMs !== undefined) {
        lapsed.push(lease);
        continue;
      }
      counts.leases += 1;
      if (lease.digests === "all") pausing.push(lease);
      else for (const digest of lease.digests) add(digest, markKinds.lease);
      for (const digest of lease.collections) {
        add(digest, markKinds.lease);
        await collections.add(digest, markKinds.lease, call);
      }
    }
  }

  async function markTag(log: TagLog, tag: string): Promise<void> {
    for await (const { target } of keptEntries(log, tag, options.retention, options.nowMs, call)) {
      counts.entries += 1;
      if (target !== undefined) await markTarget(target, markKinds.tag);
    }
  }

  async function markTags(log: TagLog): Promise<void> {
    const stop = new AbortController();
    const { tagsMax } = options;
    const done = mapConcurrent(
      log.list({ deleted: true, signal }),
      { concurrencyMax: tagsMax, ordered: false, waitingMax: tagsMax, signal: stop.signal },
      async (tag) => {
        await markTag(log, tag);
        return tag;
      },
      () => stop.abort(),
    );
    for await (const _ of done) counts.tags += 1;
  }

  const namespaces: string[] = [];
  for await (const namespace of roots.namespaces(call)) namespaces.push(namespace);
  counts.namespaces = namespaces.length;
  for (const namespace of namespaces) await markLeases(namespace);
  for (const namespace of namespaces) {
    for await (const target of roots.pins(namespace, call)) {
      counts.pins += 1;
      await markTarget(target, markKinds.pin);
    }
  }
  for (const namespace of namespaces) await markTags(roots.tags(namespace));
  counts.collections = collections.count;
  return { counts, pausing, lapsed };
}

/** Resolves to a lease that holds everything now; undefined where none does. */
export async function pausingLease(
  roots: GcRoots,
  signal: AbortSignal | undefined,
): Promise<RootLease | undefined> {
  for await (const namespace of roots.namespaces({ signal })) {
    for await (const lease of roots.leases(namespace, { signal })) {
      if (lease.lapsedMs === undefined && lease.digests === "all") return lease;
    }
  }
  return undefined;
}
