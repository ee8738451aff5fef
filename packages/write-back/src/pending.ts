import { compareKeys, type Digest, type StoreError } from "@bitstore/core";

/**
 * Where a blob stands: it waits for its upload (`waiting`) or for the time of the next try
 * (`resting`), is under way, or has left the journal in one of four ways.
 */
export type EntryState =
  | "waiting"
  | "resting"
  | "uploading"
  | "uploaded"
  | "deleted"
  | "rotten"
  | "lost";

/** One blob that the journal has acknowledged. */
export interface PendingEntry {
  readonly digest: Digest;
  readonly size: number;
  /** Its place in the order of uploads: the oldest has the lowest. */
  readonly rank: number;
  /** When it was acknowledged, by the journal's clock. */
  readonly sinceMs: number;
  state: EntryState;
  /** Failures in a row that may pass. */
  failures: number;
  /** Why the origin refuses it, where it does. */
  refusal: StoreError | undefined;
  /** When a resting one is tried again. */
  dueMs: number;
  /** Settles when it has left the journal, or was refused for good. */
  settling: PromiseWithResolvers<void>;
  /** The upload under way. */
  upload: { readonly abort: AbortController; readonly over: Promise<void> } | undefined;
}

/** What is pending, by digest. */
export interface PendingBlobs {
  get(digest: Digest): PendingEntry | undefined;
  add(digest: Digest, size: number, sinceMs: number): PendingEntry;
  /** Takes an entry out, saying how it ended; its waiters are told. */
  remove(entry: PendingEntry, state: EntryState, error?: StoreError): void;
  values(): Iterable<PendingEntry>;
  /** All of them, in ascending order of their digests. */
  sorted(): readonly PendingEntry[];
  readonly size: number;
  readonly bytes: number;
}

/** Makes a promise that may be rejected with nobody waiting. */
export function quietSettling(): PromiseWithResolvers<void> {
  const settling = Promise.withResolvers<void>();
  settling.promise.catch(() => undefined);
  return settling;
}

export function pendingBlobs(): PendingBlobs {
  const entries = new Map<Digest, PendingEntry>();
  let bytes = 0;
  let ranks = 0;
  return {
    get: (digest) => entries.get(digest),
    add(digest, size, sinceMs) {
      ranks += 1;
      const entry: PendingEntry = {
        digest,
        size,
        rank: ranks,
        sinceMs,
        state: "waiting",
        failures: 0,
        refusal: undefined,
        dueMs: 0,
        settling: quietSettling(),
        upload: undefined,
      };
      entries.set(digest, entry);
      bytes += size;
      return entry;
    },
    remove(entry, state, error) {
      entry.state = state;
      if (entries.get(entry.digest) === entry) {
        entries.delete(entry.digest);
        bytes -= entry.size;
      }
      if (error === undefined) entry.settling.resolve();
      else entry.settling.reject(error);
    },
    values: () => entries.values(),
    sorted: () => [...entries.values()].sort((a, b) => compareKeys(a.digest, b.digest)),
    get size() {
      return entries.size;
    },
    get bytes() {
      return bytes;
    },
  };
}
