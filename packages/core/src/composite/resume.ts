import { publishStream } from "../diagnostics.ts";
import { algorithmOf, type Digest } from "../digest.ts";
import { abortedError, isStoreError } from "../errors.ts";
import type { CompositeContext } from "./context.ts";
import { exactRange } from "./exact-range.ts";
import type { FoundStream, Question } from "./find.ts";
import { asStoreError, outcomeOf, unavailable } from "./outcomes.ts";
import type { Tier } from "./tier.ts";

/** Times that one tier may fail in the middle of one read. */
const failuresPerTierMax = 2;

/**
 * Streams a blob to its end over the failures of its tiers: a stream that breaks, or ends short of
 * its size, goes on at the offset reached, from the same tier once more and then from the tiers
 * after it. The bytes are not verified here; whoever hashes them is told who gave some of them.
 */
export async function* resumingStream(
  context: CompositeContext,
  digest: Digest,
  found: FoundStream,
  question: Question,
  givers: Set<Tier>,
): AsyncGenerator<Uint8Array, void, void> {
  const failures = new Map<Tier, number>();
  let offset = 0;
  let { tier, size, version, stream } = found;
  for (;;) {
    givers.add(tier);
    const from = offset;
    try {
      for (let step = await stream.next(); step.done !== true; step = await stream.next()) {
        offset += step.value.byteLength;
        yield step.value;
      }
      if (size === undefined || offset >= size) return;
      throw new Error(`the stream ended at ${offset} of ${size} bytes`);
    } catch (thrown) {
      if (question.signal?.aborted) throw abortedError("open", question.signal, digest);
      noteFailure(question, tier, thrown, offset);
      failures.set(tier, (failures.get(tier) ?? 0) + 1);
    } finally {
      publishStream({ composite: context.name, digest, tier: tier.name, bytes: offset - from });
      await stream.return?.().catch(() => undefined);
    }
    if (size !== undefined && offset >= size) return;
    const next = await reopen(context, digest, offset, { failures, tier, version, size }, question);
    if (next === undefined) throw unavailable("open", digest, question.attempts);
    ({ tier, stream, version } = next);
    size ??= next.size;
  }
}

interface Broken {
  readonly tier: Tier;
  readonly version: string | undefined;
  readonly size: number | undefined;
  readonly failures: ReadonlyMap<Tier, number>;
}

async function reopen(
  context: CompositeContext,
  digest: Digest,
  offset: number,
  broken: Broken,
  question: Question,
): Promise<Omit<FoundStream, "kind" | "content"> | undefined> {
  const at = context.tiers.indexOf(broken.tier);
  // The same tier first, then those after it, then those before it that may have it by now.
  // After a mixture that was wrong, one tier delivers alone, so that it can be told which is.
  const others = context.memories.isMixed(digest)
    ? []
    : [...context.tiers.slice(at + 1), ...context.tiers.slice(0, at)];
  for (const tier of [broken.tier, ...others]) {
    const { algorithms, rangeRead } = tier.source.capabilities;
    if (!rangeRead || !algorithms.includes(algorithmOf(digest))) continue;
    if ((broken.failures.get(tier) ?? 0) >= failuresPerTierMax) continue;
    if (question.avoid?.has(tier.name) || context.memories.isKnownCorrupt(tier, digest)) continue;
    // What is being filled from this very stream has nothing yet, and may wait for what we wait for.
    if (question.filled?.includes(tier)) continue;
    try {
      const range = { start: offset, end: undefined };
      const opened = await tier.source.open(digest, {
        range,
        version: tier === broken.tier ? broken.version : undefined,
        signal: question.signal,
      });
      if (opened === undefined) continue;
      const content = await exactRange(opened, range, digest, tier.name);
      const { size, version } = content;
      if (size !== undefined && broken.size !== undefined && size !== broken.size) {
        await content[Symbol.asyncDispose]();
        throw new Error(`its object has ${size} bytes, the one that broke off ${broken.size}`);
      }
      return { tier, version, size, stream: content.body[Symbol.asyncIterator]() };
    } catch (thrown) {
      if (question.signal?.aborted) throw abortedError("open", question.signal, digest);
      noteFailure(question, tier, thrown, offset);
    }
  }
  return undefined;
}

function noteFailure(question: Question, tier: Tier, thrown: unknown, offset: number): void {
  const error = asStoreError(thrown, "open", tier.name);
  const outcome = isStoreError(error, "DIGEST_MISMATCH") ? "corrupt" : outcomeOf(error);
  const attempt = {
    tier: tier.name,
    outcome,
    elapsedMs: 0,
    bytes: offset,
    note: `broke off at byte ${offset}`,
    error,
  };
  question.attempts.push(attempt);
  question.onAttempt?.(attempt);
}
