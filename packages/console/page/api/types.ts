/** What the server says of one tier at `/v1/tiers`. Counts are since it was started. */
export interface TierStatus {
  readonly name: string;
  /** A URL without secrets. */
  readonly store: string;
  readonly role: "source" | "cache";
  readonly origin: boolean;
  readonly readOnly: boolean;
  readonly hits: number;
  readonly misses: number;
  readonly failures: number;
  /** Milliseconds; left out before the first answer. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  readonly health?: {
    readonly recent: { readonly requests: number; readonly failures: number };
    readonly breaker?: { readonly state: "closed" | "open" | "half-open" };
  };
}

export interface Attempt {
  readonly tier: string;
  readonly outcome: "hit" | "miss" | "corrupt" | "failed" | "denied" | "archived" | "skipped";
  readonly elapsedMs: number;
  readonly bytes: number;
  readonly note?: string;
  readonly error?: { readonly code: string; readonly detail?: string; readonly message?: string };
}

/** What each tier said of a blob, at `/v1/explain/{digest}`. */
export interface Explanation {
  readonly digest: string;
  readonly outcome: "found" | "absent" | "unavailable";
  readonly tier?: string;
  readonly size?: number;
  readonly attempts: readonly Attempt[];
}

export interface PutResult {
  readonly digest: string;
  readonly size: number;
}

/** One record of a tag's history. */
export interface TagRecord {
  readonly seq: number;
  readonly op: "set" | "delete" | "restore" | "annotate";
  readonly digest?: string;
  readonly size?: number;
  readonly time: string;
  readonly actor: string;
  readonly reason?: string;
  /** Known of an entry that was read by itself; the history leaves them out. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The manifest of one entry of a tag. */
export interface TagHead {
  readonly tag: string;
  readonly seq: number;
  readonly op: TagRecord["op"];
  readonly target?: { readonly digest: string; readonly size?: number };
  readonly time: string;
  readonly actor: string;
  readonly reason?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A page of tags: names, their newest entries beside them, and where the next page begins. */
export interface TagPage {
  readonly tags: readonly string[];
  readonly heads: readonly (TagHead | null)[];
  readonly next?: string;
}

/** A page of a tag's history, newest first, and where the next page begins. */
export interface HistoryPage {
  readonly records: readonly TagRecord[];
  readonly next?: number;
}
