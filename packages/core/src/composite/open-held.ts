import { type Content, contentOfBytes } from "../content.ts";
import { isAttemptHeard, publishAttempt } from "../diagnostics.ts";
import type { Digest } from "../digest.ts";
import { isWhole, resolveRange } from "../range.ts";
import type { Attempt, OpenOptions } from "../source.ts";
import { heldBytes } from "../store/held-bytes.ts";
import type { CompositeContext } from "./context.ts";

/**
 * Opens a blob that the first tier holds in memory, verified since it was put there; undefined where
 * the tiers have to be asked. There is nothing to wait for, to share, to fill or to hash, so it takes
 * no flight. Whatever is not plainly a hit is left to the long way, which knows what to say of it.
 */
export function openHeld(
  context: CompositeContext,
  digest: Digest,
  call: OpenOptions,
): Content | undefined {
  const [tier] = context.tiers;
  const held = tier && heldBytes(tier.source);
  if (tier === undefined || held === undefined) return undefined;
  if (call.signal?.aborted || call.avoid?.has(tier.name)) return undefined;
  // What a weak digest names is held against its record each time; what was found out is minded.
  if (context.weakDigests.isWeak(digest)) return undefined;
  if (context.memories.isKnownCorrupt(tier, digest)) return undefined;
  const { range, onAttempt } = call;
  const isHeard = onAttempt !== undefined || isAttemptHeard();
  const startedMs = isHeard ? context.clock.now() : 0;
  const whole = held.get(digest);
  if (whole === undefined) return undefined;
  const size = whole.byteLength;
  // The range of a blob of this size is wrong wherever it is read.
  const isPart = range !== undefined && !isWhole(range);
  if (isPart && range.start >= size) return undefined;
  if (isHeard) {
    const elapsedMs = context.clock.now() - startedMs;
    const attempt: Attempt = {
      tier: tier.name,
      outcome: "hit",
      elapsedMs,
      bytes: isPart ? 0 : size,
    };
    publishAttempt({ composite: context.name, digest, operation: "open", attempt });
    onAttempt?.(attempt);
  }
  const { name: source, role } = tier;
  const version = `${source} ${digest}`;
  const cut = isPart ? resolveRange(range, size, "open", digest) : undefined;
  const part = cut === undefined ? whole : whole.subarray(cut.start, cut.end);
  // A reader that writes into what it was given must not write into what the next one is given.
  const bytes = call.borrows === true ? part : part.slice();
  return contentOfBytes({ size, range: cut, source, role, verified: true, version }, bytes);
}
