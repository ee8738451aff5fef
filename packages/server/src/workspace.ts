import type { Composite, TagLog, TierHealth } from "@bitstore/core";

/** What one namespace serves: blobs, and tags where metadata is configured. */
export interface Workspace extends AsyncDisposable {
  readonly namespace: string;
  readonly store: Composite;
  readonly tags: TagLog | undefined;
  /** Tells how each tier does, in their order, without a request; left out where nobody knows. */
  readonly health?: (() => readonly TierHealth[]) | undefined;
}

/**
 * Opens the workspace of a namespace. The server asks once for each, keeps what it got, and disposes
 * it when it ends; NOT_FOUND for a namespace that is not configured.
 */
export type OpenWorkspace = (namespace: string) => Promise<Workspace>;
