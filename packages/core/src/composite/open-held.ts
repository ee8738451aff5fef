import { type Content, contentOfBytes } from "../content.ts";
import type { Digest } from "../digest.ts";
import { isWhole, resolveRange } from "../range.ts";
import type { OpenOptions } from "../source.ts";
import type { CompositeContext } from "./context.ts";
import { findHeld, tellHeld } from "./read-held.ts";

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
  if (tier === undefined || call.signal?.aborted || call.avoid?.has(tier.name)) return undefined;
  const found = findHeld(context, digest);
  if (found === undefined) return undefined;
  const { range } = call;
  const whole = found.bytes;
  const size = whole.byteLength;
  // The range of a blob of this size is wrong wherever it is read.
  const isPart = range !== undefined && !isWhole(range);
  if (isPart && range.start >= size) return undefined;
  tellHeld(context, digest, found, isPart ? 0 : size, call.onAttempt);
  const { name: source, role } = tier;
  const version = `${source} ${digest}`;
  const cut = isPart ? resolveRange(range, size, "open", digest) : undefined;
  const part = cut === undefined ? whole : whole.subarray(cut.start, cut.end);
  // A reader that writes into what it was given must not write into what the next one is given.
  const bytes = call.borrows === true ? part : part.slice();
  return contentOfBytes({ size, range: cut, source, role, verified: true, version }, bytes);
}
