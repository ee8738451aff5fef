import type { Digest } from "../digest.ts";

/** Says who gave wrong bytes, and what they are; kept beside them, and told by an alarm. */
export interface CopyProvenance {
  /** Name of the store that gave them. */
  readonly store: string;
  /** Key or path of the object that has them, in that store. */
  readonly key: string;
  /** The object's entity tag or generation when they were read. */
  readonly version: string | undefined;
  readonly size: number;
  /** What the bytes are; undefined where their length alone was wrong. */
  readonly found: Digest | undefined;
  /** Whole reads from that store alone that agreed on it; 0 where their length alone was wrong. */
  readonly reads: number;
  /** What came upon them: a `put` (a caller's, a fill's or a repair's), or an `open`. */
  readonly foundBy: string;
  /** When, by the service's clock, in ISO 8601; undefined where it does not say. */
  readonly foundAt: string | undefined;
  /** Key or path of the bytes that were kept aside; undefined where none are. */
  readonly kept: string | undefined;
}

/** The format of the record that is kept beside wrong bytes. */
const recordVersion = 1;

/** Writes a provenance as the bytes of the object that is kept beside the wrong bytes. */
export function provenanceBytes(digest: Digest, provenance: CopyProvenance): Uint8Array {
  const record = { version: recordVersion, digest, copy: provenance };
  return new TextEncoder().encode(`${JSON.stringify(record)}\n`);
}
