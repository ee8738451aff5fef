import { setMaxListeners } from "node:events";
import { abortedError, isStoreError } from "../errors.ts";
import type { Digest } from "../digest.ts";
import type { Attempt, CallOptions } from "../source.ts";
import type { Spool } from "../spool/spool.ts";
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
      readonly kind: "spool";
      readonly tier: Tier;
      readonly size: number | undefined;
      readonly version: string | undefined;
      readonly spool: Spool;
    }
  /** Over the spool's budget: for its first caller alone, unfilled. */
  | { readonly kind: "direct"; readonly found: FoundStream; readonly question: Question };

/** One fetch of one digest, shared by all who ask for it while it is under way. */
export interface Flight {
  readonly digest: Digest;
  /** Write generation at the start: a miss that is older than a write is not shared. */
  readonly generation: number;
  readonly attempts: readonly Attempt[];
  readonly landing: Promise<Landing>;
  /** Whether a caller who comes now still gets it from its first byte. */
  isJoinable(): boolean;
  /** Takes part; the returned function leaves. The last to leave ends a flight that fills nothing. */
  join(onAttempt: CallOptions["onAttempt"]): () => void;
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
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const attempts: Attempt[] = [];
  const listeners = new Set<(attempt: Attempt) => void>();
  let parties = 0;
  let filling = 0;
  let spool: Spool | undefined;
  let closed = false;
  let wrong = false;

  const question: Question = {
    operation: "open",
    avoid,
    signal: controller.signal,
    attempts,
    onAttempt: (attempt) => {
      for (const listener of listeners) listener(attempt);
    },
  };
  const leave = (): void => {
    if (parties + filling > 0) return;
    controller.abort(new Error("nobody waits for it any more"));
    void spool?.[Symbol.asyncDispose]();
  };
  const close = (): void => {
    if (closed) return;
    closed = true;
    events.over(flight);
  };

  /** Nobody may join what has landed, unless its bytes are still coming. */
  async function land(): Promise<Landing> {
    let landing: Landing | undefined;
    try {
      landing = await take();
      return landing;
    } finally {
      if (landing?.kind !== "spool") close();
    }
  }

  async function take(): Promise<Landing> {
    const found = await findBlob(context, digest, question);
    if (found === undefined) return { kind: "miss" };
    const targets = fills.targets(found.tier, attempts, digest);
    if (found.kind === "whole") {
      if (targets.length > 0 && (await fills.room())) {
        fills.start(digest, targets, memoryBody(found.bytes));
      }
      return found;
    }
    spool = await context.openSpool(found.size);
    if (spool === undefined) return { kind: "direct", found, question };
    startFills(targets, spool);
    void pump(found, spool);
    return { kind: "spool", spool, tier: found.tier, size: found.size, version: found.version };
  }

  function startFills(targets: readonly Tier[], from: Spool): void {
    filling = targets.length;
    // A fill holds its place in the spool from now on, also while it waits for its turn.
    const readers = new Map(targets.map((tier) => [tier, from.read(0, { hold: true })]));
    fills.start(digest, targets, {
      // The queue counts what waits in memory, which the spool bounds by itself.
      size: undefined,
      open: (tier) => () => {
        const first = readers.get(tier);
        readers.delete(tier);
        return first ?? from.read(0, { hold: true });
      },
      done: (tier) => {
        void readers.get(tier)?.return();
        filling -= 1;
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
        if (into.start > 0) close();
        if (controller.signal.aborted) throw abortedError("open", controller.signal, digest);
      }
      if (givers.size === 1) context.memories.noteVerified(found.tier, digest, found.version);
      into.end();
    } catch (error) {
      if (isStoreError(error, "DIGEST_MISMATCH")) {
        // With several givers it can't be told whose bytes were wrong, so none of them is trusted.
        for (const tier of givers) context.memories.noteCorrupt(tier, digest);
      }
      // A fill's destination is private, so it starts again from zero, past the tier that was wrong,
      // once the fills that are under way have given up.
      wrong = filling > 0 && isStoreError(error, "DIGEST_MISMATCH");
      into.end(error);
    } finally {
      close();
    }
  }

  const landing = land();
  const flight: Flight = {
    digest,
    generation: context.writes.of(digest),
    attempts,
    landing,
    isJoinable: () => !closed && (spool === undefined || spool.start === 0),
    join(onAttempt) {
      parties += 1;
      if (onAttempt !== undefined) {
        for (const attempt of attempts) onAttempt(attempt);
        listeners.add(onAttempt);
      }
      let left = false;
      return () => {
        if (left) return;
        left = true;
        if (onAttempt !== undefined) listeners.delete(onAttempt);
        parties -= 1;
        leave();
      };
    },
  };
  landing.catch(() => undefined);
  return flight;
}

function memoryBody(bytes: Uint8Array): FillBody {
  return { size: bytes.byteLength, open: () => bytes, done: () => undefined };
}
