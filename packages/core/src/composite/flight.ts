import { setMaxListeners } from "node:events";
import { abortedError, isStoreError } from "../errors.ts";
import type { Digest } from "../digest.ts";
import type { Attempt, CallOptions } from "../source.ts";
import { windowSpool } from "../spool/ring-spool.ts";
import type { Spool, SpoolReader } from "../spool/spool.ts";
import type { CompositeContext } from "./context.ts";
import type { FillBody, Fills } from "./fills.ts";
import { findBlob, type FoundStream, type FoundWhole, type Question } from "./find.ts";
import { resumingStream } from "./resume.ts";
import type { Tier } from "./tier.ts";
import { verifyBlobStream } from "./verify-blob.ts";

/** What a flight has come to. */
export type Landing =
  | { readonly kind: "miss" }
  | FoundWhole
  | {
      /** Its bytes come by the reader of each party. */
      readonly kind: "spool";
      readonly tier: Tier;
      readonly size: number | undefined;
      readonly version: string | undefined;
    };

/** One fetch of one digest, shared by all who ask for it while it is under way. */
export interface Flight {
  readonly digest: Digest;
  /** Write generation at the start: a miss that is older than a write is not shared. */
  readonly generation: number;
  readonly attempts: readonly Attempt[];
  readonly landing: Promise<Landing>;
  /** Whether a caller who comes now still gets it from its first byte. */
  isJoinable(): boolean;
  /** Takes part from the first byte on. The last to leave ends a flight that fills nothing. */
  join(call: CallOptions): Party;
}

/** One caller's part in a flight. */
export interface Party {
  /** The caller's own reader, from the moment there is a spool: nothing is dropped before it. */
  readonly reader: SpoolReader | undefined;
  /** Settles when the flight's bytes are known to be right, or with what was wrong. */
  readonly verdict: Promise<void>;
  leave(): void;
}

export interface FlightEvents {
  /** Is called once, when nobody can join the flight any more. */
  over(flight: Flight): void;
  /** Is called where the bytes were wrong after all and cache tiers still wait for right ones. */
  again(): void;
}

/** Starts a flight. */
export function startFlight(
  context: CompositeContext,
  fills: Fills,
  digest: Digest,
  avoid: ReadonlySet<string> | undefined,
  events: FlightEvents,
): Flight {
  const generation = context.writes.of(digest);
  const deletions = context.deletions.of(digest);
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const attempts: Attempt[] = [];
  const listeners = new Set<(attempt: Attempt) => void>();
  const parties = new Set<{ reader: SpoolReader | undefined; readonly call: CallOptions }>();
  let filling = 0;
  // Fills that wait for their turn, and what gives one up.
  const waiting = new Map<Tier, SpoolReader>();
  let giveUp: (tier: Tier) => void = () => undefined;
  let spool: Spool | undefined;
  let closed = false;
  let wrong = false;
  // Whether all that it asked for has come: then there is nothing to abort.
  let hasAll = false;
  // Ends its place among the fetches that go on for their fills alone.
  let alone: (() => void) | undefined;
  const verdict = Promise.withResolvers<void>();
  verdict.promise.catch(() => undefined);

  const question: Question = {
    operation: "open",
    avoid,
    signal: controller.signal,
    attempts,
    onAttempt: (attempt) => {
      for (const listener of listeners) listener(attempt);
    },
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    events.over(flight);
  };
  const endAlone = (): void => {
    alone?.();
    alone = undefined;
  };
  const leave = (): void => {
    if (parties.size > 0) return;
    if (filling > 0) {
      if (hasAll || alone !== undefined) return;
      alone = fills.goOnAlone();
      if (alone === undefined) {
        close();
        controller.abort(new Error("nobody reads it, and as many as may go on for their fills"));
      }
      return;
    }
    endAlone();
    // Whoever comes now must not board what is being abandoned.
    close();
    if (!hasAll) controller.abort(new Error("nobody waits for it any more"));
    void spool?.[Symbol.asyncDispose]();
  };

  /**
   * Nobody may join what has landed, unless its bytes are still coming, or on their way into a cache:
   * who comes in between would find them in neither, and ask the source once more.
   */
  async function land(): Promise<Landing> {
    let landing: Landing | undefined;
    try {
      landing = await take();
      if (landing.kind !== "spool") hasAll = true;
      return landing;
    } finally {
      if (landing?.kind !== "spool" && filling === 0) close();
    }
  }

  async function take(): Promise<Landing> {
    const found = await findBlob(context, digest, question);
    if (found === undefined) return { kind: "miss" };
    const targets = fills.targets(found.tier, attempts, digest);
    question.filled = targets;
    if (found.kind === "whole") {
      const { bytes } = found;
      if (targets.length > 0) await fillWhole(bytes, targets);
      return found;
    }
    const kept = await context.openSpool(found.size);
    if (controller.signal.aborted) {
      await found.content[Symbol.asyncDispose]();
      await kept?.[Symbol.asyncDispose]();
      throw abortedError("open", controller.signal, digest);
    }
    // Over the budget of all spools there is a window for the first who came, and no fill: a window
    // goes at the pace of its slowest reader, so nobody else may depend on it.
    if (kept === undefined) close();
    spool = kept ?? windowSpool({ memoryBytesMax: context.limits.windowBytesMax });
    const hold = kept === undefined;
    for (const party of kept === undefined ? [...parties].slice(0, 1) : parties) {
      party.reader = spool.read(0, { signal: party.call.signal, hold });
    }
    if (kept !== undefined) startFills(targets, spool);
    else fills.drop(digest, targets, "no spool had room for it");
    void pump(found, spool);
    return { kind: "spool", tier: found.tier, size: found.size, version: found.version };
  }

  async function fillWhole(bytes: Uint8Array, targets: readonly Tier[]): Promise<void> {
    const release = await fills.room(bytes.byteLength);
    if (release === undefined) {
      fills.drop(digest, targets, "the queue of fills had no room for it in time");
      return;
    }
    filling = targets.length;
    const done = (): void => {
      filling -= 1;
      if (filling > 0) return;
      release();
      close();
    };
    fills.start(digest, targets, memoryBody(bytes, deletions, done));
  }

  function startFills(targets: readonly Tier[], from: Spool): void {
    filling = targets.length;
    // The spool keeps a fill's bytes from now on, but no reader waits for it before it has its turn.
    for (const tier of targets) waiting.set(tier, from.read(0, { hold: true, waits: true }));
    giveUp = fills.start(digest, targets, {
      deletions,
      // The queue counts what waits in memory, which the spool bounds by itself.
      size: undefined,
      open(tier) {
        waiting.get(tier)?.begin();
        return () => {
          const first = waiting.get(tier);
          waiting.delete(tier);
          return first ?? from.read(0, { hold: true });
        };
      },
      done(tier) {
        void waiting.get(tier)?.return();
        waiting.delete(tier);
        filling -= 1;
        if (filling === 0 && hasAll) close();
        leave();
        if (filling === 0 && wrong) events.again();
      },
    });
  }

  async function pump(found: FoundStream, into: Spool): Promise<void> {
    const givers = new Set<Tier>();
    try {
      const stream = resumingStream(context, digest, found, question, givers);
      const { tier, size } = found;
      for await (const chunk of verifyBlobStream(context, stream, digest, tier.name, size)) {
        await into.write(chunk);
        if (into.start > 0) {
          close();
          for (const late of waiting.keys()) giveUp(late);
        }
        if (controller.signal.aborted) throw abortedError("open", controller.signal, digest);
      }
      if (givers.size === 1) context.memories.noteVerified(found.tier, digest, found.version);
      into.end();
      hasAll = true;
      endAlone();
      verdict.resolve();
    } catch (error) {
      blame(error, givers);
      verdict.reject(error);
      // A fill's destination is private, so it starts again from zero, past the tier that was wrong,
      // once the fills that are under way have given up.
      wrong = filling > 0 && isStoreError(error, "DIGEST_MISMATCH");
      into.end(error);
    } finally {
      if (!hasAll || filling === 0) close();
    }
  }

  /** Remembers what a failed stream says of its tiers, so that the next read goes past them. */
  function blame(error: unknown, givers: ReadonlySet<Tier>): void {
    const [only] = givers;
    const isWrong = isStoreError(error, "DIGEST_MISMATCH");
    if (only !== undefined && givers.size === 1) {
      // After a mixture that was wrong, a tier that can't deliver alone is passed over too.
      if (isWrong || context.memories.isMixed(digest)) {
        context.memories.noteCorrupt(only, digest, error);
      }
    } else if (isWrong) {
      // Of several givers it can't be told whose bytes were wrong; the next read takes one alone.
      context.memories.noteMixed(digest);
    }
  }

  const landing = land();
  const flight: Flight = {
    digest,
    generation,
    attempts,
    landing,
    isJoinable: () =>
      !closed &&
      (spool === undefined || spool.start === 0) &&
      // What was written since may have been a deletion.
      (!hasAll || generation === context.writes.of(digest)),
    join(call) {
      const { onAttempt, signal } = call;
      const party = { reader: spool?.read(0, { signal }), call };
      parties.add(party);
      endAlone();
      if (onAttempt !== undefined) {
        for (const attempt of attempts) onAttempt(attempt);
        listeners.add(onAttempt);
      }
      return {
        get reader() {
          return party.reader;
        },
        verdict: verdict.promise,
        leave() {
          if (!parties.delete(party)) return;
          if (onAttempt !== undefined) listeners.delete(onAttempt);
          void party.reader?.return();
          leave();
        },
      };
    },
  };
  landing.catch(() => undefined);
  return flight;
}

function memoryBody(bytes: Uint8Array, deletions: number, release: () => void): FillBody {
  return { deletions, size: bytes.byteLength, open: () => bytes, done: release };
}
