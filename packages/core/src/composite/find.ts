import { concat } from "../bytes.ts";
import type { Content } from "../content.ts";
import { algorithmOf, type Digest } from "../digest.ts";
import { abortedError, isStoreError, StoreError } from "../errors.ts";
import type { Attempt, CallOptions, OpenOptions } from "../source.ts";
import type { CompositeContext } from "./context.ts";
import { asStoreError, allMissed, outcomeOf, unavailable } from "./outcomes.ts";
import { isForbiddenMiss } from "./forbidden.ts";
import type { Tier } from "./tier.ts";
import { verifyBlob } from "./verify-blob.ts";

/** A blob in hand: verified in memory, or a stream whose first chunks may have been read. */
export type Found = FoundWhole | FoundStream;

interface FoundIn {
  readonly tier: Tier;
  readonly version: string | undefined;
}
export interface FoundWhole extends FoundIn {
  readonly kind: "whole";
  readonly bytes: Uint8Array;
}
export interface FoundStream extends FoundIn {
  readonly kind: "stream";
  readonly size: number | undefined;
  /** Unverified; ends with the source's stream. */
  readonly stream: AsyncIterator<Uint8Array>;
  readonly content: Content;
}

export interface Question extends CallOptions {
  readonly operation: string;
  readonly avoid?: ReadonlySet<string> | undefined;
  /** Asks past what is remembered, as `explain` does. */
  readonly fresh?: boolean | undefined;
  /** Tiers that are filled with what is found. */
  filled?: readonly Tier[] | undefined;
  /** Collects what each tier said. */
  readonly attempts: Attempt[];
}

/** What a tier gave: an answer and its bytes, or undefined for a miss. */
export type Ask<T> = (
  tier: Tier,
) => Promise<{ readonly value: T; readonly bytes: number } | undefined>;

/**
 * Asks tiers in order until one answers with a value. Resolves to undefined if all of them said
 * "not here"; rejects with UNAVAILABLE, listing every attempt, if any did not answer.
 */
export async function askTiers<T>(
  context: CompositeContext,
  tiers: readonly Tier[],
  digest: Digest,
  question: Question,
  ask: Ask<T>,
): Promise<T | undefined> {
  const { clock, memories } = context;
  const note = (attempt: Attempt): void => {
    question.attempts.push(attempt);
    question.onAttempt?.(attempt);
  };
  let outOfRange: StoreError | undefined;
  for (const tier of tiers) {
    if (!tier.source.capabilities.algorithms.includes(algorithmOf(digest))) continue;
    if (question.avoid?.has(tier.name)) {
      note({ tier: tier.name, outcome: "skipped", elapsedMs: 0, bytes: 0, note: "to be avoided" });
      continue;
    }
    if (question.fresh !== true && memories.isKnownCorrupt(tier, digest)) {
      note({ tier: tier.name, outcome: "corrupt", elapsedMs: 0, bytes: 0, note: "remembered" });
      continue;
    }
    if (question.fresh !== true && memories.isKnownMiss(tier, digest)) {
      note({ tier: tier.name, outcome: "miss", elapsedMs: 0, bytes: 0, note: "remembered" });
      continue;
    }
    const generation = context.writes.of(digest);
    const startedMs = clock.now();
    const elapsed = (): number => clock.now() - startedMs;
    try {
      const answer = await ask(tier);
      if (answer !== undefined) {
        context.successes.set(tier.name, { digest, atMs: clock.now() });
        note({ tier: tier.name, outcome: "hit", elapsedMs: elapsed(), bytes: answer.bytes });
        return answer.value;
      }
      memories.noteMiss(tier, digest, generation);
      note({ tier: tier.name, outcome: "miss", elapsedMs: elapsed(), bytes: 0 });
    } catch (thrown) {
      if (question.signal?.aborted) throw abortedError(question.operation, question.signal, digest);
      const error = asStoreError(thrown, question.operation, tier.name);
      // One copy may be a stump; only if no other has the range is it the range that is wrong.
      if (isStoreError(error, "RANGE_NOT_SATISFIABLE")) outOfRange ??= error;
      if (await isForbiddenMiss(context, tier, question.operation, error, question.signal)) {
        note({
          tier: tier.name,
          outcome: "miss",
          elapsedMs: elapsed(),
          bytes: 0,
          note: "forbidden",
        });
        continue;
      }
      const outcome = outcomeOf(error);
      if (outcome === "corrupt") memories.noteCorrupt(tier, digest, error);
      note({ tier: tier.name, outcome, elapsedMs: elapsed(), bytes: 0, error });
      if (tier.onFailure === "stop") {
        throw outOfRange ?? unavailable(question.operation, digest, question.attempts);
      }
    }
  }
  if (outOfRange !== undefined) throw outOfRange;
  if (!allMissed(question.attempts)) {
    throw unavailable(question.operation, digest, question.attempts);
  }
  return undefined;
}

/** Opens a whole blob in the first tier that has it, verified already where it is small. */
export function findBlob(
  context: CompositeContext,
  digest: Digest,
  question: Question,
  open: OpenOptions = {},
): Promise<Found | undefined> {
  return askTiers<Found>(context, context.tiers, digest, question, async (tier) => {
    const found = await openIn(context, tier, digest, { ...open, signal: question.signal });
    if (found === undefined) return undefined;
    if (found.kind === "whole") context.memories.noteVerified(tier, digest, found.version);
    return { value: found, bytes: found.kind === "whole" ? found.bytes.byteLength : 0 };
  });
}

/**
 * Opens a blob in one tier. A body that breaks before anything was handed out is read once more, as
 * is one that was wrong.
 */
async function openIn(
  context: CompositeContext,
  tier: Tier,
  digest: Digest,
  options: OpenOptions,
): Promise<Found | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const content = await tier.source.open(digest, options);
    if (content === undefined) return undefined;
    try {
      return await takeIn(context, content, tier, digest);
    } catch (error) {
      await content[Symbol.asyncDispose]();
      const mayPass = isStoreError(error) && error.persistence === "transient";
      const isAgain = mayPass || isSuspicion(context, tier, digest, error);
      if (!isAgain || attempt >= bodiesMax || options.signal?.aborted === true) throw error;
    }
  }
}

/**
 * Tells whether wrong bytes may be the fault of the way here. Not where other bytes were recorded for
 * a weak digest, of which one read tells as much as two; and a read that costs money is not repeated.
 */
function isSuspicion(
  context: CompositeContext,
  tier: Tier,
  digest: Digest,
  error: unknown,
): boolean {
  if (tier.price !== undefined || context.weakDigests.isWeak(digest)) return false;
  return isStoreError(error, "DIGEST_MISMATCH");
}

/** Times that one tier's body may break or be wrong before the next tier is asked. */
const bodiesMax = 2;

/** Reads a blob whole and verifies it where it is small; else hands on its stream, unverified. */
export async function takeIn(
  context: CompositeContext,
  content: Content,
  tier: Tier,
  digest: Digest,
): Promise<Found> {
  const bytesMax = context.limits.verifyFirstBytesMax;
  const { size, version } = content;
  if (size !== undefined && size <= bytesMax) {
    const bytes = await content.bytes();
    checkLength(bytes.byteLength, size, digest, tier);
    await verifyBlob(context, bytes, digest, tier.name);
    return { kind: "whole", tier, version, bytes };
  }
  const stream = content.body[Symbol.asyncIterator]();
  if (size !== undefined) return { kind: "stream", tier, version, size, stream, content };
  // Of unknown length: it is small if it ends before the limit, and then it is verified first.
  const head: Uint8Array[] = [];
  let headBytes = 0;
  for (;;) {
    const step = await stream.next();
    if (step.done === true) break;
    head.push(step.value);
    headBytes += step.value.byteLength;
    if (headBytes > bytesMax) {
      return { kind: "stream", tier, version, size, stream: resumed(head, stream), content };
    }
  }
  const bytes = concat(head, headBytes);
  await verifyBlob(context, bytes, digest, tier.name);
  return { kind: "whole", tier, version, bytes };
}

function checkLength(actual: number, promised: number, digest: Digest, tier: Tier): void {
  if (actual === promised) return;
  throw new StoreError({
    code: "UNAVAILABLE",
    operation: "open",
    subject: digest,
    source: tier.name,
    message: `the body ended at ${actual} of ${promised} bytes`,
  });
}

async function* resumed(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* head;
    for (let step = await rest.next(); step.done !== true; step = await rest.next()) {
      yield step.value;
    }
  } finally {
    await rest.return?.();
  }
}
