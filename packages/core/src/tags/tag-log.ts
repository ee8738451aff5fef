import type { Digest } from "../digest.ts";
import { isStoreError, type StoreError } from "../errors.ts";
import type { CallOptions } from "../source.ts";

/** What a tag points to. */
export interface TagTarget {
  readonly digest: Digest;
  /** Bytes of the blob; undefined where it was tagged by force, unseen. */
  readonly size?: number | undefined;
  /** RFC 6838 media type of the bytes, where one was given. */
  readonly mediaType?: string | undefined;
  /** Other digests of the same bytes: the sha256 of a blob that is named by its sha1. */
  readonly alsoKnownAs?: readonly Digest[] | undefined;
}

/** What an entry did: `restore` is a rollback, `annotate` keeps the target and says more of it. */
export type TagOperation = "set" | "delete" | "restore" | "annotate";

/** What history shows of an entry. */
export interface TagRecord {
  /** 1, 2, 3 and so on, without a gap. */
  readonly seq: number;
  readonly op: TagOperation;
  /** What the tag points to since; undefined for `delete` alone. */
  readonly digest?: Digest | undefined;
  /** Bytes of the target, where known. */
  readonly size?: number | undefined;
  /** RFC 3339, UTC, in milliseconds: by the service's clock, and later than the entry before. */
  readonly time: string;
  readonly actor: string;
  readonly reason?: string | undefined;
  /** 128 bits in lower-case hex, made by the caller: one for each logical write. */
  readonly nonce: string;
}

/** One entry of a tag's log: an immutable JSON manifest in the metadata bucket. */
export interface TagEntry {
  readonly namespace: string;
  readonly tag: string;
  readonly seq: number;
  readonly op: TagOperation;
  /** Undefined for `delete` alone. */
  readonly target?: TagTarget | undefined;
  /** The sequence that `restore` copied. */
  readonly restored?: number | undefined;
  /** The entry before, by the SHA-256 of its bytes; undefined for the first alone. */
  readonly prev?: { readonly seq: number; readonly sha256: string } | undefined;
  readonly nonce: string;
  /** Who asked for it, as the writer says. */
  readonly actor: string;
  /** What software wrote it. */
  readonly client: string;
  /** RFC 3339, UTC, in milliseconds: by the service's clock, and later than the entry before. */
  readonly time: string;
  readonly reason?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The entries before this one, newest first, at most 16. */
  readonly recent: readonly TagRecord[];
  /** SHA-256 of the manifest's bytes, in lower-case hex: what the next entry's `prev` says. */
  readonly sha256: string;
}

/** What a tag must be at for a write to happen: a digest, a sequence, or not there (or deleted). */
export type TagExpectation = Digest | number | "absent";

/** Who writes, and why. */
export interface TagWriteOptions extends CallOptions {
  /** Refuses with PRECONDITION_FAILED where the tag is at something else. */
  readonly expect?: TagExpectation | undefined;
  /** At most 256 bytes of UTF-8; the log's own if left out. */
  readonly actor?: string | undefined;
  /** At most 1,024 bytes of UTF-8. */
  readonly reason?: string | undefined;
  /**
   * 32 lower-case hex digits that stand for this logical write, however often it is tried: give the
   * same one when you try again, and nothing is written twice. A fresh one if left out.
   */
  readonly nonce?: string | undefined;
  /**
   * The sequence of the newest entry when this nonce was first tried, 0 for none: all entries after
   * it are searched for the nonce. Left out, with a nonce: the newest 1,024 are.
   */
  readonly base?: number | undefined;
}

export interface TagSetOptions extends TagWriteOptions {
  /** RFC 6838 media type of the blob. */
  readonly mediaType?: string | undefined;
  /**
   * Free words about the entry; keys and values together at most 32 KiB. A key is neither empty nor
   * `__proto__`.
   */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Tags the digest even where the blob is not at the origin. */
  readonly force?: boolean | undefined;
}

export interface TagHeadOptions extends CallOptions {
  /** Answers from memory where it was asked so few milliseconds ago; 0, the default, always asks. */
  readonly maxAgeMs?: number | undefined;
}

export interface TagHistoryOptions extends CallOptions {
  /** Begins below this sequence; at the newest entry if left out. */
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
}

export interface TagListOptions extends CallOptions {
  /** Names that start so. */
  readonly prefix?: string | undefined;
  /** Names after this one, in the order of `compareTagNames`. */
  readonly startAfter?: string | undefined;
  readonly limit?: number | undefined;
  /** Lists deleted tags as well. */
  readonly deleted?: boolean | undefined;
}

export interface TagWatchOptions extends CallOptions {
  /** Yields entries after this sequence, 0 for all; the newest entry and those after if left out. */
  readonly since?: number | undefined;
}

/** What an audit of one tag's log found. */
export interface TagVerification {
  readonly tag: string;
  /** Sequence of the newest entry; 0 where there is none. */
  readonly seq: number;
  /** SHA-256 of the newest entry's bytes, to be kept elsewhere as an anchor. */
  readonly sha256: string | undefined;
  /** What is wrong, oldest first, at most 100: a gap, a broken chain, bytes that are no manifest. */
  readonly problems: readonly { readonly seq: number; readonly problem: string }[];
}

/**
 * Names for blobs that may move and whose history is never lost: for each tag a log of entries,
 * append-only, one winner for each sequence however many write. A reader never goes back, and what
 * was acknowledged is there for ever. `undefined` means that there is no such entry; an exception,
 * that it could not be found out. Every operation rejects with INVALID_ARGUMENT for a name outside
 * the grammar (`parseTagName`), UNAVAILABLE and its like where the bucket can't be asked, UNSUPPORTED
 * for an entry of a later format: it is refused, never skipped.
 */
export interface TagLog extends AsyncDisposable {
  /** For messages: the bucket's name and the namespace. */
  readonly name: string;
  readonly namespace: string;

  /**
   * Resolves to the newest entry, also where it says that the tag is deleted; undefined where the
   * tag was never set. Asks the bucket each time, unless `maxAgeMs` lets it answer from memory.
   */
  head(tag: string, options?: TagHeadOptions): Promise<TagEntry | undefined>;

  /** Resolves to one entry. */
  get(tag: string, seq: number, options?: CallOptions): Promise<TagEntry | undefined>;

  /** Resolves to the entry that was the newest at a time, by the entries' own times. */
  asOf(tag: string, time: Date, options?: CallOptions): Promise<TagEntry | undefined>;

  /**
   * Points a tag to a blob and resolves to the entry once it is stored. Lost answers, conflicts with
   * others and throttling are settled before it answers.
   *
   * Rejects with PRECONDITION_FAILED where `expect` does not hold (see {@link currentEntry}),
   * NOT_FOUND where the blob is not at the origin and `force` is not given, INDETERMINATE where an
   * answer was lost and could not be found out in time: it may have been written, and is to be tried
   * again under the same nonce alone. An abort while the write is under way leaves it open as well.
   */
  append(tag: string, digest: Digest, options?: TagSetOptions): Promise<TagEntry>;

  /** Adds an entry with the same target and other annotations; NOT_FOUND where there is no target. */
  annotate(
    tag: string,
    annotations: Readonly<Record<string, string>>,
    options?: TagWriteOptions,
  ): Promise<TagEntry>;

  /** Appends a tombstone; the history stays. NOT_FOUND where the tag is absent or deleted. */
  remove(tag: string, options?: TagWriteOptions): Promise<TagEntry>;

  /**
   * Appends a copy of an entry. Rejects with NOT_FOUND where there is no such entry or its blob is
   * gone, INVALID_ARGUMENT where that entry is a tombstone; else as `append` does.
   */
  rollback(tag: string, seq: number, options?: TagWriteOptions): Promise<TagEntry>;

  /** Yields what happened, newest first; nothing where the tag was never set. */
  history(tag: string, options?: TagHistoryOptions): AsyncIterable<TagRecord>;

  /** Yields the names of tags in the order of `compareTagNames`; deleted ones only where asked for. */
  list(options?: TagListOptions): AsyncIterable<string>;

  /**
   * Yields each entry as it comes, in order and without a gap, until the signal aborts: then it
   * throws ABORTED. What fails for a while is asked again.
   */
  watch(tag: string, options?: TagWatchOptions): AsyncIterable<TagEntry>;

  /** Reads a tag's whole log and tells what is wrong with it; resolves also where much is. */
  verify(tag: string, options?: CallOptions): Promise<TagVerification>;
}

/** Says what a refused write met: the newest entry, undefined where there is none. */
export function currentEntry(error: StoreError): TagEntry | undefined {
  if (!isStoreError(error, "PRECONDITION_FAILED") || !("current" in error)) return undefined;
  return error.current as TagEntry | undefined;
}

/** What a write of which nobody knows is to be tried again with, so that it is not written twice. */
export interface TagRetry {
  readonly nonce: string;
  readonly base: number;
}

/** Finds in the error of a write that is INDETERMINATE, or was aborted, what to try it again with. */
export function retryOf(error: StoreError): TagRetry | undefined {
  return "retry" in error ? (error.retry as TagRetry | undefined) : undefined;
}

/** Tells whether a tag points to something: it was set, and not deleted since. */
export function isLive(
  entry: TagEntry | undefined,
): entry is TagEntry & { readonly target: TagTarget } {
  return entry?.target !== undefined;
}
