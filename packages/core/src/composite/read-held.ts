import { isAttemptHeard, publishAttempt } from "../diagnostics.ts";
import type { Digest } from "../digest.ts";
import type { Attempt, BlobStore } from "../source.ts";
import { heldBytes } from "../store/held-bytes.ts";
import type { CompositeContext } from "./context.ts";

/** A whole blob that a tier has in memory. Nobody writes into its bytes: others are reading them. */
export interface HeldBlob {
  readonly bytes: Uint8Array;
  readonly tier: string;
}

type Tell = ((attempt: Attempt) => void) | undefined;
type Read = (digest: Digest, options: ReadHeldOptions) => HeldBlob | undefined;

export interface ReadHeldOptions {
  /** Bytes of the largest blob that is wanted in one piece; a larger one is to be opened. */
  readonly bytesMax: number;
  readonly onAttempt?: ((attempt: Attempt) => void) | undefined;
}

/** By the function that reads it otherwise: a store with an `open` of its own sees each read. */
const readers = new WeakMap<BlobStore["open"], Read>();

/** Lets {@link readHeld} ask a composite by its `open`. */
export function answersHeld(open: BlobStore["open"], context: CompositeContext): void {
  readers.set(open, (digest, { bytesMax, onAttempt }) => {
    const found = findHeld(context, digest);
    if (found === undefined || found.bytes.byteLength > bytesMax) return undefined;
    tellHeld(context, digest, found, found.bytes.byteLength, onAttempt);
    return { bytes: found.bytes, tier: found.tier };
  });
}

/**
 * Reads a whole blob at once where `open` would take it from the first tier's memory, without a
 * promise and without a copy; undefined where it is to be opened.
 */
export function readHeld(
  { open }: BlobStore,
  digest: Digest,
  options: ReadHeldOptions,
): HeldBlob | undefined {
  return readers.get(open)?.(digest, options);
}

/** A blob that was found, and how long that took. */
export interface FoundHeld extends HeldBlob {
  readonly elapsedMs: number;
}

/** Finds what the first tier holds in memory, verified since it was put there. */
export function findHeld(context: CompositeContext, digest: Digest): FoundHeld | undefined {
  const [tier] = context.tiers;
  const held = tier && heldBytes(tier.source);
  if (tier === undefined || held === undefined) return undefined;
  // What a weak digest names is held against its record each time; what was found out is minded.
  if (context.weakDigests.isWeak(digest)) return undefined;
  if (context.memories.isKnownCorrupt(tier, digest)) return undefined;
  const startedMs = context.clock.now();
  const bytes = held.get(digest);
  if (bytes === undefined) return undefined;
  return { bytes, tier: tier.name, elapsedMs: context.clock.now() - startedMs };
}

/** Tells of a hit whoever wants to know. */
export function tellHeld(
  context: CompositeContext,
  digest: Digest,
  { tier, elapsedMs }: FoundHeld,
  bytes: number,
  tell: Tell,
): void {
  const isHeard = isAttemptHeard();
  if (!isHeard && tell === undefined) return;
  const attempt: Attempt = { tier, outcome: "hit", elapsedMs, bytes };
  if (isHeard) publishAttempt({ composite: context.name, digest, operation: "open", attempt });
  tell?.(attempt);
}
