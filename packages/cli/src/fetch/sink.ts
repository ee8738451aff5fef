import type { Content, Digest, DigestSet } from "@bitstore/core";

/** Where a bulk fetch delivers to. */
export interface Sink extends AsyncDisposable {
  /** What was seen in this run. */
  readonly seen: DigestSet;
  /** Resolves to the size of a blob that is there already, checked; else to undefined. */
  present(digest: Digest): Promise<number | undefined>;
  /** Takes a blob, whole or not at all; may be called again for the same one. */
  deliver(content: Content, digest: Digest): Promise<number>;
  /** Makes the result whole, where the run came to its end. */
  finish(): Promise<void>;
}
