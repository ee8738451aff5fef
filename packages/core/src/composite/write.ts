import { orAborted } from "../abort.ts";
import { type Body, openBody } from "../bytes.ts";
import { algorithmOf, type Digest } from "../digest.ts";
import { StoreError } from "../errors.ts";
import { checkDigest, createHasher } from "../hasher.ts";
import type { Attempt, BlobPutOptions, CallOptions, PutResult } from "../source.ts";
import { type HashLimits, hashToFile } from "../store/hash-to-file.ts";
import type { CompositeContext } from "./context.ts";
import type { Fills } from "./fills.ts";
import { asStoreError, outcomeOf } from "./outcomes.ts";
import type { Tier } from "./tier.ts";

/**
 * Chooses the tier that puts go to: the origin, or else the only tier that is writable and no cache.
 * Rejects with CONFIG_INVALID where there are several and none is marked, UNSUPPORTED where none is.
 */
export function originOf(
  context: Pick<CompositeContext, "name" | "tiers">,
  operation: string,
): Tier {
  const origins = context.tiers.filter(({ origin }) => origin);
  const writable = context.tiers.filter(
    ({ role, readOnly, source }) => role === "source" && !readOnly && source.capabilities.put,
  );
  const [tier, second] = origins.length > 0 ? origins : writable;
  if (second !== undefined) {
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation,
      source: context.name,
      message: "several tiers could be the origin; mark the one that puts go to with origin",
    });
  }
  if (tier === undefined) {
    throw new StoreError({
      code: "UNSUPPORTED",
      operation,
      source: context.name,
      message: "no tier is writable; mark the one that puts go to with origin",
    });
  }
  return tier;
}

/**
 * Stores a blob in the origin, or in the journal that takes puts for it. Lookups that are under way
 * don't remember that it was missing.
 */
export async function putBlob(
  context: CompositeContext,
  body: Body,
  options: BlobPutOptions,
): Promise<PutResult> {
  const tier = originOf(context, "put");
  if (options.digest !== undefined) context.writes.bump(options.digest);
  const { weakDigests } = context;
  const weak = options.digest !== undefined && weakDigests.isWeak(options.digest);
  if (weak || (options.digest === undefined && options.algorithm === "sha1")) {
    return await putWeak(context, tier, body, options);
  }
  return await putIn(context, tier, body, options);
}

async function putIn(
  context: CompositeContext,
  origin: Tier,
  body: Body,
  options: BlobPutOptions,
): Promise<PutResult> {
  const result = await (context.journal ?? origin.source).put(body, options);
  context.writes.bump(result.digest);
  for (const tier of [pendingOf(context), origin]) {
    if (tier !== undefined) context.memories.forget(tier, result.digest);
  }
  return result;
}

function pendingOf({ tiers, journal }: CompositeContext): Tier | undefined {
  return journal && tiers.find(({ source }) => source === journal.source);
}

const weakLimits: HashLimits = { memoryBytesMax: 4 * 2 ** 20, spoolBytesMax: 64 * 2 ** 30 };

/** Stores by a weak digest what was recorded under it first, or nothing. */
async function putWeak(
  context: CompositeContext,
  tier: Tier,
  body: Body,
  options: BlobPutOptions,
): Promise<PutResult> {
  const { weakDigests } = context;
  // The bytes are kept while they are hashed, since a stream may be read once only; both digests are
  // of what was kept, so the record is of the bytes that are stored.
  await using hashed = await hashToFile(body, "sha1", weakLimits, options.signal);
  const strong = await createHasher("sha256");
  for await (const chunk of openBody(hashed.body)) strong.update(chunk);
  const { digest, size } = hashed;
  if (options.digest !== undefined) checkDigest(options.digest, digest, "put", tier.name);
  await weakDigests.confirm(digest, strong.digest(), tier.name, options.signal);
  return await putIn(context, tier, hashed.body, {
    ...options,
    digest,
    size: options.size ?? size,
  });
}

/**
 * Deletes a blob from the origin first and then from the caches, and tells what each did: `hit` is
 * deleted, `miss` was not there, `skipped` may not be touched. Rejects if any that may be touched
 * failed, after all were asked; the origin's failure ends it at once, with the caches as they were.
 * So does the failure of a journal, which is asked before the origin: an upload would bring it back.
 */
export async function deleteBlob(
  context: CompositeContext,
  fills: Fills,
  digest: Digest,
  options: CallOptions,
): Promise<boolean> {
  const origin = originOf(context, "delete");
  const pending = pendingOf(context);
  // From the farthest to the nearest, so that none is filled again from one that still has it.
  const rest = context.tiers.filter((tier) => tier !== origin && tier !== pending).toReversed();
  const attempts: Attempt[] = [];
  const bump = (): void => {
    context.writes.bump(digest);
    context.deletions.bump(digest);
  };
  bump();
  let deleted = false;

  async function deleteIn(tier: Tier): Promise<void> {
    const startedMs = context.clock.now();
    const note = (attempt: Pick<Attempt, "outcome" | "note" | "error">): void => {
      const elapsedMs = context.clock.now() - startedMs;
      const whole: Attempt = { tier: tier.name, elapsedMs, bytes: 0, ...attempt };
      attempts.push(whole);
      options.onAttempt?.(whole);
    };
    const mine = tier === origin || (tier.role === "cache" && !tier.readOnly);
    if (!mine || !tier.source.capabilities.delete) {
      note({ outcome: "skipped", note: mine ? "it can't delete" : "read-only" });
      return;
    }
    if (!tier.source.capabilities.algorithms.includes(algorithmOf(digest))) return;
    try {
      bump();
      // A copy that was on its way before the delete is let arrive first, or it would outlive it.
      await orAborted(fills.settled(tier, digest), options.signal, "delete", digest);
      const was = await tier.source.delete(digest, { signal: options.signal });
      deleted ||= was;
      context.memories.forget(tier, digest);
      note({ outcome: was ? "hit" : "miss" });
    } catch (thrown) {
      const error = asStoreError(thrown, "delete", tier.name);
      if (tier === origin || tier === pending) throw error;
      note({ outcome: outcomeOf(error), error });
    }
  }

  if (pending !== undefined) await deleteIn(pending);
  for (const tier of [origin, ...rest]) {
    await deleteIn(tier);
  }
  bump();
  const failed = attempts.find(({ error }) => error !== undefined);
  if (failed?.error !== undefined) {
    throw new StoreError({
      code: "UNAVAILABLE",
      operation: "delete",
      subject: digest,
      source: failed.tier,
      message: `gone from the origin, but not from this cache (${failed.error.detail}); delete again`,
      attempts,
      cause: failed.error,
    });
  }
  return deleted;
}
