import { setMaxListeners } from "node:events";
import type { Content, Role } from "../content.ts";
import { type Digest, parseDigest } from "../digest.ts";
import { type Clock, sleep, systemClock } from "../clock.ts";
import { abortedError, isStoreError, type StoreError } from "../errors.ts";
import { asStoreError } from "../composite/outcomes.ts";
import { isHeldBack } from "../layers/with-breaker.ts";
import type { Attempt, BlobSource } from "../source.ts";
import { type DigestSet, digestSet } from "./digest-set.ts";
import { mapConcurrent } from "./map-concurrent.ts";

/** What came of one digest. */
export interface FetchOutcome<T> {
  /** Position in the input, from 0; of its first occurrence. */
  readonly index: number;
  /** As it stood in the input. */
  readonly input: string;
  /** Undefined where the input is malformed. */
  readonly digest: Digest | undefined;
  readonly status: FetchStatus;
  /** The tier that delivered it. */
  readonly tier: string | undefined;
  readonly size: number | undefined;
  readonly elapsedMs: number;
  /** What `deliver` resolved to. */
  readonly value: T | undefined;
  /** What each tier said, where it was not delivered. */
  readonly attempts: readonly Attempt[];
  readonly error: StoreError | undefined;
}

/**
 * `fetched` came from a source, `cached` from a cache tier, `present` was delivered before, `missing`
 * is what every tier said, `failed` all the rest.
 */
export type FetchStatus = "fetched" | "cached" | "present" | "missing" | "failed";

export interface FetchItem {
  readonly digest: Digest;
  readonly index: number;
  readonly signal: AbortSignal;
}

export interface FetchManyOptions<T> {
  /** Digests in work at a time; 64. */
  readonly concurrencyMax?: number | undefined;
  /** Yields in the order of the input; else as they are done. */
  readonly ordered?: boolean | undefined;
  /** Outcomes that may wait for the reader, or, if ordered, for one before them; 1,024. */
  readonly waitingMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Takes the bytes. It must start from nothing each time: where bytes turn out to be wrong at their
   * end, it is called again with the blob from another tier.
   */
  readonly deliver: (content: Content, item: FetchItem) => Promise<T>;
  /** Tells the size of a blob that was delivered before, so that it is not fetched. */
  readonly present?: ((digest: Digest) => Promise<number | undefined>) | undefined;
  /** Remembers what was seen, so that duplicates are fetched once; in memory unless given. */
  readonly seen?: DigestSet | undefined;
  /** Milliseconds that one digest waits at most for tiers whose breakers are open; 10 minutes. */
  readonly breakerWaitMsMax?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Times that wrong bytes may come before a digest counts as failed: one for each of many tiers. */
const deliveriesMax = 8;

/** An outage of ten minutes is waited for; what is down for longer is told as failed. */
const breakerWaitMsMaxDefault = 600_000;
/**
 * A tier that has answered in this run and no longer does is asked again for this long, so that a
 * breaker of ten seconds' memory has opened by then if it is the service that is gone.
 */
const outageWaitMsMax = 30_000;
/** Milliseconds between two tries then. */
const outagePauseMs = 1000;
/** Between two looks while a canary is under way. */
const breakerPauseMsMin = 200;

/**
 * Fetches many digests with bounded concurrency and memory, whatever the length of the input. Yields
 * one outcome for each distinct digest, and for each malformed one; nothing that happens to one of
 * them ends the others. It rejects only with ABORTED, or with what the input threw.
 */
export async function* fetchMany<T>(
  source: BlobSource,
  inputs: AsyncIterable<string> | Iterable<string>,
  options: FetchManyOptions<T>,
): AsyncGenerator<FetchOutcome<T>, void, void> {
  const controller = new AbortController();
  // Every item in work listens to it, which is no leak.
  setMaxListeners(0, controller.signal);
  const onAbort = (): void => controller.abort(options.signal?.reason);
  if (options.signal?.aborted) onAbort();
  else options.signal?.addEventListener("abort", onAbort, { once: true });
  const { signal } = controller;
  const answered = new Set<string>();
  const distinct = distinctDigests(inputs, options.seen ?? digestSet(), signal);
  const mapping = {
    concurrencyMax: options.concurrencyMax ?? 64,
    ordered: options.ordered ?? false,
    waitingMax: options.waitingMax ?? 1024,
    signal,
  };
  try {
    yield* mapConcurrent(
      distinct,
      mapping,
      (item) => fetchOne(source, item, options, signal, answered),
      () => controller.abort(options.signal?.reason),
    );
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
  }
}

type Parsed =
  | { readonly index: number; readonly input: string; readonly digest: Digest }
  | { readonly index: number; readonly input: string; readonly error: StoreError };

async function* distinctDigests(
  inputs: AsyncIterable<string> | Iterable<string>,
  seen: DigestSet,
  signal: AbortSignal,
): AsyncGenerator<Parsed, void, void> {
  let index = -1;
  for await (const input of inputs) {
    if (signal.aborted) throw abortedError("fetch", signal);
    index += 1;
    let digest: Digest;
    try {
      digest = parseDigest(input);
    } catch (error) {
      yield { index, input, error: asStoreError(error, "parse", "input") };
      continue;
    }
    if (seen.add(digest)) yield { index, input, digest };
  }
}

async function fetchOne<T>(
  source: BlobSource,
  item: Parsed,
  options: FetchManyOptions<T>,
  signal: AbortSignal,
  /** Tiers that have answered anything in this run. */
  answered: Set<string>,
): Promise<FetchOutcome<T>> {
  const clock = options.clock ?? systemClock;
  const breakerWaitMsMax = options.breakerWaitMsMax ?? breakerWaitMsMaxDefault;
  const startedMs = clock.now();
  const attempts: Attempt[] = [];
  const digest = "digest" in item ? item.digest : undefined;
  const outcome = (
    status: FetchStatus,
    rest: Partial<Pick<FetchOutcome<T>, "tier" | "size" | "value" | "error">> = {},
  ): FetchOutcome<T> => ({
    index: item.index,
    input: item.input,
    digest,
    status,
    tier: undefined,
    size: undefined,
    value: undefined,
    error: undefined,
    attempts: status === "missing" || status === "failed" ? attempts : [],
    elapsedMs: clock.now() - startedMs,
    ...rest,
  });
  if (!("digest" in item)) return outcome("failed", { error: item.error });
  const onAttempt = (attempt: Attempt): void => {
    attempts.push(attempt);
    if (attempt.outcome === "hit" || attempt.outcome === "miss") answered.add(attempt.tier);
  };
  let waited = false;
  let failedMs: number | undefined;
  for (let delivery = 1; ; delivery += 1) {
    try {
      const size = await options.present?.(item.digest);
      if (size !== undefined) return outcome("present", { size });
      const content = await source.open(item.digest, { signal, onAttempt });
      if (content === undefined) return outcome("missing");
      await using open = content;
      let delivered = 0;
      const counted = countingContent(open, (bytes) => {
        delivered = bytes;
      });
      const value = await options.deliver(counted, { ...item, signal });
      const tier = content.source;
      return outcome(statusOf(content.role), { tier, size: content.size ?? delivered, value });
    } catch (thrown) {
      if (signal.aborted) throw abortedError("fetch", signal, item.digest);
      const error = asStoreError(thrown, "fetch", source.name);
      if (isStoreError(error, "DIGEST_MISMATCH") && delivery < deliveriesMax) continue;
      // A tier that is held back is waited for, also once more by who asked it as its canary.
      waited ||= attempts.some((attempt) => isHeldBack(attempt.error));
      // One that answered before and now does not may be gone for all: what failed before its breaker
      // opened is no worse than what came after.
      const isOutage = attempts.some((each) => isTransient(each) && answered.has(each.tier));
      failedMs ??= clock.now();
      const mayAskAgain = isOutage && clock.now() - failedMs <= outageWaitMsMax;
      const mayWait = (waited || mayAskAgain) && isStoreError(error, "UNAVAILABLE");
      if (!mayWait || clock.now() - startedMs > breakerWaitMsMax) {
        return outcome("failed", { error });
      }
      const held = attempts.some((each) => isHeldBack(each.error));
      attempts.length = 0;
      delivery -= 1;
      const pauseMs = held ? error.retryAfterMs : Math.max(outagePauseMs, error.retryAfterMs ?? 0);
      await pause(clock, pauseMs, signal, item.digest);
    }
  }
}

/** Whether a tier failed in a way that passes by itself. */
function isTransient({ outcome, error }: Attempt): boolean {
  return outcome === "failed" && error !== undefined && error.persistence !== "permanent";
}

/** Waits for a breaker to let a canary pass, and then a little, since only one of many passes. */
async function pause(
  clock: Clock,
  retryAfterMs: number | undefined,
  signal: AbortSignal,
  digest: Digest,
): Promise<void> {
  const waitMs = Math.max(retryAfterMs ?? 0, breakerPauseMsMin);
  await sleep(clock, waitMs, signal).catch(() => {
    throw abortedError("fetch", signal, digest);
  });
}

function statusOf(role: Role): FetchStatus {
  return role === "cache" ? "cached" : "fetched";
}

/** Tells how many bytes went through a content, for sources that don't say it before. */
function countingContent(content: Content, count: (bytes: number) => void): Content {
  if (content.size !== undefined) return content;
  async function* body(): AsyncGenerator<Uint8Array, void, void> {
    let bytes = 0;
    for await (const chunk of content.body) {
      bytes += chunk.byteLength;
      count(bytes);
      yield chunk;
    }
  }
  const { size, range, source, role, verified, version } = content;
  return {
    size,
    range,
    source,
    role,
    verified,
    version,
    body: body(),
    bytes: async () => {
      const bytes = await content.bytes();
      count(bytes.byteLength);
      return bytes;
    },
    [Symbol.asyncDispose]: async () => await content[Symbol.asyncDispose](),
  };
}
