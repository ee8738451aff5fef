import type { Digest } from "@bitstore/core";

/** What is audited: everything that changes what others read. */
export type AuditOperation =
  | "put"
  | "delete"
  | "tag.set"
  | "tag.annotate"
  | "tag.delete"
  | "tag.rollback";

/** Who does something, as the record says it. */
export interface AuditActor {
  /** Name of the principal. */
  readonly principal: string;
  readonly namespace: string;
  /** Id of the request, as its answer and the server's log have it. */
  readonly requestId?: string | undefined;
  /** Address that it came from. */
  readonly remote?: string | undefined;
}

/** What is done, or was. */
export interface AuditEvent extends AuditActor {
  /** `intent` is written before, `outcome` after; the two have one id. */
  readonly phase: "intent" | "outcome";
  readonly id: string;
  readonly operation: AuditOperation;
  readonly digest?: Digest | undefined;
  readonly size?: number | undefined;
  readonly tag?: string | undefined;
  /** Of an outcome: `done`, `created`, `existed`, `absent`, or the code of the error. */
  readonly result?: string | undefined;
  /** Sequence and SHA-256 of the tag's new head: its chain is anchored here. */
  readonly seq?: number | undefined;
  readonly sha256?: string | undefined;
  readonly reason?: string | undefined;
}

/** An event as it stands in the log. */
export interface AuditRecord extends AuditEvent {
  /** 1, 2, 3 and so on within its chain. */
  readonly n: number;
  /** RFC 3339, by the clock of the process that wrote it. */
  readonly time: string;
}

/** The newest segment of a chain; kept elsewhere, it shows that nothing before it has changed. */
export interface AuditHead {
  readonly chain: string;
  readonly segment: number;
  /** SHA-256 of the segment's bytes, in lower-case hex. */
  readonly sha256: string;
}

/** What a segment says of itself. */
export interface SegmentHeader {
  readonly format: 1;
  readonly chain: string;
  /** 1, 2, 3 and so on; the key counts down, so that the newest is listed first. */
  readonly segment: number;
  /** Records in it. */
  readonly records: number;
  readonly time: string;
  /** SHA-256 of the segment before; undefined of the first alone. */
  readonly prev?: string | undefined;
  /** Of the first alone: heads of other chains as they were then, where they could be read. */
  readonly anchors?: readonly AuditHead[] | undefined;
  /** Nothing comes after it: the process ended as it should. */
  readonly closed?: boolean | undefined;
}
