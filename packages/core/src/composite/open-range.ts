import { type Content, contentOfBytes } from "../content.ts";
import type { Digest } from "../digest.ts";
import { type ByteRange, resolveRange } from "../range.ts";
import type { Attempt, OpenOptions } from "../source.ts";
import type { CompositeContext } from "./context.ts";
import { countGiven } from "./count-given.ts";
import { cutContent, exactRange } from "./exact-range.ts";
import { askTiers, takeIn } from "./find.ts";
import type { Tier } from "./tier.ts";

type OpenWhole = (digest: Digest, options: OpenOptions) => Promise<Content | undefined>;

/** A range as a tier gave it, or word that the blob is small enough to be read whole. */
type Answer =
  | { readonly kind: "range"; readonly tier: Tier; readonly content: Content }
  | { readonly kind: "small"; readonly tier: Tier };

/**
 * Opens a range. It is verified where it is cut from a blob small enough to be read whole, or where
 * the tier's version of it was read whole before and matched; else `verified` is false. A range
 * fills no cache by itself: what is read whole for it goes the way of every whole read.
 */
export async function openRange(
  context: CompositeContext,
  openWhole: OpenWhole,
  digest: Digest,
  options: OpenOptions & { readonly range: ByteRange },
): Promise<Content | undefined> {
  const { signal, avoid, onAttempt, range } = options;
  const attempts: Attempt[] = [];
  const question = { operation: "open", signal, avoid, onAttempt, attempts };
  const small = context.limits.verifyFirstBytesMax;
  const answer = await askTiers<Answer>(context, context.tiers, digest, question, async (tier) => {
    const content = await openIn(context, tier, digest, options);
    if (content === undefined) return undefined;
    if (!content.verified && content.size !== undefined && content.size <= small) {
      await content[Symbol.asyncDispose]();
      return { value: { kind: "small", tier }, bytes: 0 };
    }
    return { value: { kind: "range", tier, content }, bytes: 0 };
  });
  if (answer === undefined) return undefined;
  if (answer.kind === "range") return inComposite(answer.tier, answer.content);
  const whole = await openWhole(digest, { signal, avoid, onAttempt });
  if (whole === undefined) return undefined;
  if (whole.size === undefined || whole.size > small) return await cutContent(whole, range, digest);
  const bytes = await whole.bytes();
  const cut = resolveRange(range, bytes.byteLength, "open", digest);
  const { source, role, version } = whole;
  return contentOfBytes(
    { size: bytes.byteLength, range: cut, source, role, version, verified: true },
    bytes.subarray(cut.start, cut.end),
  );
}

async function openIn(
  context: CompositeContext,
  tier: Tier,
  digest: Digest,
  { range, version, signal }: OpenOptions & { readonly range: ByteRange },
): Promise<Content | undefined> {
  if (tier.source.capabilities.rangeRead) {
    const pinned = version?.startsWith(`${tier.name} `) === true;
    const own = pinned ? version.slice(tier.name.length + 1) : undefined;
    const opened = await tier.source.open(digest, { range, version: own, signal });
    if (opened === undefined) return undefined;
    const content = countGiven(context, opened, tier, digest);
    const verified = context.memories.isVerified(tier, digest, content.version);
    const exact = await exactRange(content, range, digest, tier.name);
    // Never by its own word: only what was read whole here and matched is known to be right.
    return view(exact, { verified });
  }
  // A tier without ranges gives the whole blob, and the range is cut from it on the way.
  const opened = await tier.source.open(digest, { signal });
  if (opened === undefined) return undefined;
  const content = countGiven(context, opened, tier, digest);
  const found = await takeIn(context, content, tier, digest);
  if (found.kind === "whole") {
    const size = found.bytes.byteLength;
    const cut = resolveRange(range, size, "open", digest);
    const parts = { size, range: cut, source: tier.name, verified: true, version: found.version };
    return contentOfBytes(parts, found.bytes.subarray(cut.start, cut.end));
  }
  const body = { [Symbol.asyncIterator]: () => found.stream };
  return await cutContent({ ...content, body, source: tier.name }, range, digest);
}

/** Names a tier's content by the tier, and its version by both: a version means nothing elsewhere. */
function inComposite(tier: Tier, content: Content): Content {
  const version = content.version === undefined ? undefined : `${tier.name} ${content.version}`;
  return view(content, { source: tier.name, role: tier.role, version });
}

function view(
  content: Content,
  changes: Partial<Pick<Content, "verified" | "source" | "role" | "version">>,
): Content {
  return {
    size: content.size,
    range: content.range,
    source: content.source,
    role: content.role,
    verified: content.verified,
    version: content.version,
    ...changes,
    get body() {
      return content.body;
    },
    bytes: () => content.bytes(),
    [Symbol.asyncDispose]: () => content[Symbol.asyncDispose](),
  };
}
