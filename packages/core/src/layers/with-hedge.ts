import { type LinkedAbort, linkedAbort } from "../abort.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Digest } from "../digest.ts";
import { abortedError } from "../errors.ts";
import type { BlobStore, CallOptions } from "../source.ts";
import { type Latencies, latencies } from "./latencies.ts";
import { mapContent } from "./map-content.ts";
import { slidingCounts } from "./sliding-counts.ts";

export interface HedgeLimits {
  /** Share of answers whose time is waited for before a second request is sent. */
  readonly quantile: number;
  /** Milliseconds that are waited at least. */
  readonly waitMsMin: number;
  /** Share of the requests within `budgetMs` that may be second ones. */
  readonly extraShareMax: number;
  readonly budgetMs: number;
}

export const hedgeDefault: HedgeLimits = {
  quantile: 0.95,
  waitMsMin: 2,
  extraShareMax: 0.05,
  budgetMs: 10_000,
};

export interface HedgeOptions extends Partial<HedgeLimits> {
  readonly clock?: Clock | undefined;
}

/** What second requests came to within the last `budgetMs`, for reports. */
export interface HedgeStatus {
  readonly requests: number;
  /** Second requests that were sent. */
  readonly extra: number;
  /** Second requests that answered first. */
  readonly won: number;
}

/** A store whose second requests can be looked at. */
export interface HedgeStore extends BlobStore {
  hedges(): HedgeStatus;
}

interface Question<T> {
  readonly operation: string;
  readonly digest: Digest;
  readonly call: CallOptions;
  readonly took: Latencies;
  readonly ask: (call: CallOptions) => Promise<T>;
  /** Takes the answer that came second. */
  readonly discard: (late: T) => void;
}

/** The first answer; its signal lives until it is released, for a body that is still to be read. */
interface Won<T> {
  readonly isSecond: boolean;
  readonly value: T;
  readonly release: () => void;
}

/**
 * Asks once more, over another connection, where `open` or `stat` is not answered within the time
 * that 95 of 100 answers took lately. Whichever answers first is taken, and the other is aborted; an
 * error is taken only when both failed. It cuts off the slowest answers for at most 5 % more requests.
 * Not for services that are paid by the request. Put it around all other layers, so that both
 * requests count there.
 *
 * Source: J. Dean, L. A. Barroso, "The Tail at Scale", CACM 56(2), 2013.
 */
export function withHedge(inner: BlobStore, options: HedgeOptions = {}): HedgeStore {
  const limits = { ...hedgeDefault, ...options };
  const clock = options.clock ?? systemClock;
  const counts = slidingCounts<"requests" | "extra" | "won">(limits.budgetMs, clock);
  const statsTook = latencies();
  const opensTook = latencies();

  function mayAskAgain(): boolean {
    if (counts.sum("extra") + 1 > counts.sum("requests") * limits.extraShareMax) return false;
    counts.add("extra");
    return true;
  }

  async function hedged<T>(question: Question<T>): Promise<Won<T>> {
    const { took } = question;
    const usualMs = took.quantile(limits.quantile);
    const waitMs = usualMs === undefined ? undefined : Math.max(limits.waitMsMin, usualMs);
    counts.add("requests");
    const startedMs = clock.now();
    const won = await firstOf(question, clock, waitMs, mayAskAgain);
    took.add(clock.now() - startedMs);
    if (won.isSecond) counts.add("won");
    return won;
  }

  return {
    ...inner,
    hedges: () => ({
      requests: counts.sum("requests"),
      extra: counts.sum("extra"),
      won: counts.sum("won"),
    }),
    async stat(digest, call = {}) {
      const ask = (each: CallOptions): ReturnType<BlobStore["stat"]> =>
        inner.stat(digest, { ...call, ...each });
      const discard = (): void => undefined;
      const question = { operation: "stat", digest, call, took: statsTook, ask, discard };
      const won = await hedged(question);
      won.release();
      return won.value;
    },
    async open(digest, call = {}) {
      const { value, release } = await hedged({
        operation: "open",
        digest,
        call,
        took: opensTook,
        ask: (each) => inner.open(digest, { ...call, ...each }),
        discard: (late) => void late?.[Symbol.asyncDispose]().then(undefined, () => undefined),
      });
      if (value !== undefined) return mapContent(value, { done: release });
      release();
      return undefined;
    },
    [Symbol.asyncDispose]: async () => await inner[Symbol.asyncDispose](),
  };
}

/** Sends one request, and a second one if the first has not answered in time. */
function firstOf<T>(
  { operation, digest, call, ask, discard }: Question<T>,
  clock: Clock,
  waitMs: number | undefined,
  mayAskAgain: () => boolean,
): Promise<Won<T>> {
  return new Promise((resolve, reject) => {
    const links = new Set<LinkedAbort>();
    const errors: unknown[] = [];
    let isOver = false;
    let cancel = (): void => undefined;

    const onAbort = (): void => {
      if (call.signal !== undefined) fail(abortedError(operation, call.signal, digest));
    };
    function end(winner: LinkedAbort | undefined): void {
      isOver = true;
      cancel();
      call.signal?.removeEventListener("abort", onAbort);
      for (const link of links) {
        if (link === winner) continue;
        link.abort();
        link.release();
      }
    }
    function fail(error: unknown): void {
      if (isOver) return;
      end(undefined);
      reject(error);
    }
    function send(): void {
      const link = linkedAbort(call.signal);
      const isSecond = links.size > 0;
      links.add(link);
      const answer = (async () => await ask({ ...call, signal: link.signal }))();
      answer.then(
        (value) => {
          if (isOver) {
            discard(value);
            return;
          }
          end(link);
          resolve({ value, isSecond, release: () => link.release() });
        },
        (error: unknown) => {
          errors.push(error);
          // The first error is the one to tell; while another request is under way it may not matter.
          if (errors.length === links.size) fail(errors[0]);
        },
      );
    }

    if (call.signal?.aborted) {
      onAbort();
      return;
    }
    call.signal?.addEventListener("abort", onAbort, { once: true });
    send();
    if (waitMs === undefined) return;
    cancel = clock.after(waitMs, () => {
      if (!isOver && mayAskAgain()) send();
    });
  });
}
