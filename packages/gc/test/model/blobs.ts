import { createHash } from "node:crypto";
import { type Layout, type Digest, parseDigest, shardedLayout } from "@bitstore/core";
import type { Scheduler } from "../../../conformance/src/sim/scheduler.ts";

/** How long the store of a history keeps what nothing names. */
export const graceMs: number = 60 * 60_000;

export const layout: Layout = shardedLayout("");

export interface ModelBlob {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** Users delete these, and tag none of them. */
  readonly deletable: boolean;
}

/** Makes a few blobs, so that all that happens meets. */
export function someBlobs({ random }: Scheduler): readonly ModelBlob[] {
  return Array.from({ length: 1 + random.below(3) }, (_, at) => {
    const bytes = new TextEncoder().encode(`blob ${at} ${"x".repeat(at * 10)}`);
    const hex = createHash("sha256").update(bytes).digest("hex");
    return { digest: parseDigest(`sha256:${hex}`), bytes, deletable: random.chance(0.3) };
  });
}

/** Shortens a digest for messages. */
export function short(digest: Digest): string {
  return digest.slice(7, 15);
}
