/** What the server says of one tier at `/v1/tiers`. Times are in milliseconds. */
export interface TierStatus {
  readonly name: string;
  readonly role: "source" | "cache";
  readonly origin: boolean;
  readonly readOnly: boolean;
  readonly url?: string;
  readonly health: "up" | "down" | "probing" | "unknown";
  readonly hits: number;
  readonly misses: number;
  readonly failures: number;
  readonly p50Ms?: number | null;
  readonly p95Ms?: number | null;
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
}

/** The manifest of a tag's newest entry. */
export interface TagHead {
  readonly tag: string;
  readonly seq: number;
  readonly op: TagRecord["op"];
  readonly target?: { readonly digest: string; readonly size?: number };
  readonly time: string;
  readonly actor: string;
  readonly reason?: string;
}
