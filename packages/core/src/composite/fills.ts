import { setMaxListeners } from "node:events";
import pLimit from "p-limit";
import { orAborted } from "../abort.ts";
import { type Body, openBody } from "../bytes.ts";
import { sleep } from "../clock.ts";
import type { Digest } from "../digest.ts";
import { type FillEvent, publishFill } from "../diagnostics.ts";
import { abortedError, StoreError } from "../errors.ts";
import type { Attempt } from "../source.ts";
import type { CompositeContext } from "./context.ts";
import { asStoreError } from "./outcomes.ts";
import type { Tier } from "./tier.ts";

/** Copies what came from an expensive tier into the cache tiers before it, beside the reads. */
export interface Fills {
  /** Copies that are under way or wait for their turn. */
  count(): number;
  /** Cache tiers that a hit is to be written into, given what each said in this read. */
  targets(hit: Tier, attempts: readonly Attempt[], digest: Digest): readonly Tier[];
  /**
   * Resolves when a blob in memory may join the queue, to what gives its room back, once for all of
   * its targets; to undefined where the wait was too long.
   */
  room(bytes: number): Promise<(() => void) | undefined>;
  /**
   * Starts the copies, which nobody needs to wait for. What it returns gives up a copy that still
   * waits for its turn, as one must whose beginning is gone.
   */
  start(digest: Digest, targets: readonly Tier[], body: FillBody): (tier: Tier) => void;
  /**
   * Lets a fetch that nobody reads any more go on for its fills; gives what ends that, or undefined
   * where enough of them do.
   */
  goOnAlone(): (() => void) | undefined;
  /** Tells of copies that are left out; the next read of the blob makes them. */
  drop(digest: Digest, targets: readonly Tier[], message: string): void;
  /**
   * Resolves when no copy of a digest into a tier is under way. Rejects with UNAVAILABLE where one goes
   * on for `fillSettleMs`.
   */
  settled(tier: Tier, digest: Digest): Promise<void>;
  /** Has `drain` wait for other work as well, whatever comes of it. */
  track(work: Promise<void>): void;
  /** Waits for all copies; aborts those that are left after `drainMs`. */
  drain(): Promise<void>;
}

export interface FillBody {
  /** Deletions of the digest when it was looked up: what was deleted since is not brought back. */
  readonly deletions: number;
  readonly size: number | undefined;
  /** Opens the body for one target. */
  open(tier: Tier): Body;
  /** Is called when a target is done with, filled or not. */
  done(tier: Tier): void;
}

export function fillQueue(context: CompositeContext): Fills {
  const { clock, limits } = context;
  const limit = pLimit(limits.fillsInFlightMax);
  const running = new Map<string, Promise<void>>();
  const tracked = new Set<Promise<void>>();
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  let queuedBytes = 0;
  let abandoned = 0;
  /** When a fill last began, passed a chunk on, or ended. */
  let movedMs = clock.now();
  let freed = Promise.withResolvers<void>();

  async function fill(tier: Tier, digest: Digest, body: FillBody): Promise<void> {
    const startedMs = clock.now();
    const report = (outcome: FillEvent["outcome"], error?: StoreError): void =>
      publishFill({
        composite: context.name,
        digest,
        tier: tier.name,
        outcome,
        bytes: body.size ?? 0,
        elapsedMs: clock.now() - startedMs,
        error,
      });
    try {
      const check = (): void => {
        movedMs = clock.now();
        if (stop.signal.aborted) throw abortedError("fill", stop.signal, digest);
        if (context.deletions.of(digest) === body.deletions) return;
        throw deletedMeanwhile(digest, tier.name);
      };
      check();
      const guarded = guardedBody(body.open(tier), check);
      const put = { digest, size: body.size, signal: stop.signal };
      // A tier that heeds no signal must not keep the process.
      const putting = tier.source.put(guarded, put);
      const { outcome } = await orAborted(putting, stop.signal, "fill", digest);
      if (context.deletions.of(digest) !== body.deletions) {
        // The delete came between the last byte and the answer; what was brought back goes again. Not
        // from a tier that was healed: the count may be another digest's, and its copy is the durable
        // one; a delete of this digest waits for the fill, and then deletes there by itself.
        if (tier.role === "cache") await tier.source.delete(digest);
        throw deletedMeanwhile(digest, tier.name);
      }
      context.memories.forget(tier, digest);
      report(outcome === "created" ? "filled" : "existed");
    } catch (thrown) {
      report("failed", asStoreError(thrown, "fill", tier.name));
    } finally {
      movedMs = clock.now();
    }
  }

  function drop(digest: Digest, targets: readonly Tier[], message: string): void {
    for (const { name: tier } of targets) {
      const about = { operation: "fill", subject: digest, source: tier, message };
      const error = new StoreError({ ...about, code: "ABORTED" });
      const event = { composite: context.name, digest, tier, bytes: 0, elapsedMs: 0 };
      publishFill({ ...event, outcome: "dropped", error });
    }
  }

  return {
    count: () => running.size,
    targets(hit, attempts, digest) {
      const before = context.tiers.slice(0, context.tiers.indexOf(hit));
      const unfit = new Set(
        attempts
          .filter(({ outcome }) => outcome !== "miss" && outcome !== "corrupt")
          .map(({ tier }) => tier),
      );
      const wrong = new Set(
        attempts.filter(({ outcome }) => outcome === "corrupt").map(({ tier }) => tier),
      );
      return before.filter((tier) => {
        const { name, role, readOnly, heal, source } = tier;
        const isFilled = role === "cache" && (hit.fill === undefined || hit.fill.includes(name));
        // A wrong copy is replaced where that is allowed, and else only reported.
        const isMeant = wrong.has(name) ? heal : isFilled;
        return (
          isMeant &&
          !readOnly &&
          !unfit.has(name) &&
          source.capabilities.put &&
          source.capabilities.algorithms.some((each) => digest.startsWith(`${each}:`))
        );
      });
    },
    async room(bytes) {
      const deadlineMs = clock.now() + limits.fillWaitMs;
      while (queuedBytes > 0 && queuedBytes + bytes > limits.fillQueueBytesMax) {
        const leftMs = Math.min(deadlineMs, movedMs + limits.fillStuckMs) - clock.now();
        if (leftMs <= 0) return undefined;
        const waiting = new AbortController();
        await Promise.race([freed.promise, sleep(clock, leftMs, waiting.signal)]);
        waiting.abort();
      }
      queuedBytes += bytes;
      return () => {
        queuedBytes -= bytes;
        freed.resolve();
        freed = Promise.withResolvers<void>();
      };
    },
    start(digest, targets, body) {
      const waiting = new Set<Tier>();
      const end = (tier: Tier): void => {
        running.delete(`${tier.name} ${digest}`);
        body.done(tier);
      };
      const turn = async (tier: Tier): Promise<void> => {
        if (waiting.delete(tier)) await fill(tier, digest, body).finally(() => end(tier));
      };
      for (const tier of targets) {
        const key = `${tier.name} ${digest}`;
        if (running.has(key) || stop.signal.aborted) {
          body.done(tier);
          continue;
        }
        waiting.add(tier);
        running.set(
          key,
          limit(() => turn(tier)),
        );
      }
      return (tier) => {
        if (!waiting.delete(tier)) return;
        drop(digest, [tier], "its bytes were given up while it waited for its turn");
        end(tier);
      };
    },
    goOnAlone() {
      if (abandoned >= limits.abandonedFillsMax) return undefined;
      abandoned += 1;
      return () => {
        abandoned -= 1;
      };
    },
    drop,
    async settled(tier, digest) {
      const under = running.get(`${tier.name} ${digest}`);
      if (under === undefined) return;
      const waiting = new AbortController();
      const late = sleep(clock, limits.fillSettleMs, waiting.signal).then(() => {
        throw endless(digest, tier.name);
      });
      // The loser of the race is nobody's.
      late.catch(() => undefined);
      await Promise.race([under, late]).finally(() => waiting.abort());
    },
    track(work) {
      const settled = work
        .catch(() => undefined)
        .finally(() => {
          tracked.delete(settled);
        });
      tracked.add(settled);
    },
    async drain() {
      const cancel = clock.after(limits.drainMs, () => stop.abort());
      while (running.size + tracked.size > 0) {
        await Promise.allSettled([...running.values(), ...tracked]);
      }
      cancel();
    },
  };
}

/** Passes a body on, and checks before its last chunk that it is still wanted. */
function guardedBody(body: Body, check: () => void): Body {
  if (body instanceof Uint8Array) return body;
  return async function* () {
    for await (const chunk of openBody(body)) {
      check();
      yield chunk;
    }
    check();
  };
}

function deletedMeanwhile(digest: Digest, source: string): StoreError {
  return new StoreError({
    code: "ABORTED",
    operation: "fill",
    subject: digest,
    source,
    message: "the blob was deleted while it was copied",
  });
}

function endless(digest: Digest, source: string): StoreError {
  const message = "a copy of it into this cache is under way, and does not end; delete again";
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "delete",
    subject: digest,
    source,
    message,
  });
}
