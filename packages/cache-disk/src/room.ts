import { sleep, StoreError, throwIfAborted } from "@bitstore/core";
import { orAborted } from "./abortable.ts";
import type { CacheIndex, IndexBudget } from "./cache-index.ts";
import type { Departures } from "./departures.ts";
import type { HitNotes } from "./hit-notes.ts";
import type { IndexGuard } from "./index-guard.ts";
import { blockBytes, chargeOf, slackShare } from "./limits.ts";
import { makeWay, missing, type Way } from "./make-way.ts";
import type { CacheSettings } from "./settings.ts";

/** Room in the budget for one put, taken before its bytes are written. */
export interface Hold {
  readonly id: number;
  readonly epoch: string;
  /** Name of its file in `tmp`. */
  readonly name: string;
  /** Bytes of the budget that it holds. */
  readonly bytes: number;
  /** Newest entry at the time: a later one was put, and so verified, during this put. */
  readonly sequence: number;
}

export interface RoomRequest {
  readonly key: Uint8Array | undefined;
  /** Bytes of the file, as far as they are known. */
  readonly size: number;
  readonly signal: AbortSignal;
}

/** Gives out the budget. Who asks waits in line, and what has to go for it is evicted first. */
export interface Room {
  take(request: RoomRequest): Promise<Hold>;
  /** Makes a hold big enough for a file of a size. */
  grow(hold: Hold, size: number, signal: AbortSignal): Promise<Hold>;
  /** Evicts until a budget is kept; resolves to what went. */
  shrink(to: IndexBudget, operation: string, signal?: AbortSignal): Promise<Freed>;
  /** Stays below a size for `fullMs`, since the disk was full there. */
  lowerCeiling(bytes: number): void;
  /** Says that room may have become free, to those who wait for it. */
  changed(): void;
}

export interface Freed {
  readonly entries: number;
  readonly bytes: number;
}

/** What a want has been through so far. */
interface Turn {
  /** Visited entries that were passed for it. */
  passed: number;
  /** When it gives up, unless something goes on. */
  deadline: number;
}

interface Want {
  readonly bytes: number;
  /** Bytes of the whole hold, where it has some already. */
  readonly total: number;
  readonly entries: number;
  /** Whether it holds some room already. */
  readonly growing: boolean;
  readonly grant: (index: CacheIndex) => Hold;
  readonly signal: AbortSignal;
}

/** How long room that another process gives back may go unseen. */
const pollMs = 20;
/** How often those who wait look for the holds of processes that died. */
const recoverMs = 1000;

export interface RoomParts {
  readonly guard: IndexGuard;
  readonly departures: Departures;
  readonly notes: HitNotes;
  readonly settings: CacheSettings;
  /** Clears up after processes that died. */
  readonly recover: () => Promise<void>;
}

export function createRoom(parts: RoomParts): Room {
  const { guard, departures, notes, settings, recover } = parts;
  const { clock, limits, name: source } = settings;
  let line: Promise<unknown> = Promise.resolve();
  let names = 0;
  /** Puts that wait, or are about to, for more room than they hold. */
  let growing = 0;
  let ceiling: { readonly bytes: number; readonly until: number } | undefined;
  let waiters: (() => void)[] = [];
  let recoveredAt = Number.NEGATIVE_INFINITY;

  function limitOf(index: CacheIndex): IndexBudget {
    const { bytesMax, entriesMax } = index.totals();
    if (ceiling !== undefined && clock.now() >= ceiling.until) ceiling = undefined;
    return { bytesMax: Math.min(bytesMax, ceiling?.bytes ?? bytesMax), entriesMax };
  }

  /**
   * Gets what is wanted, evicting for it. Undefined where it has to leave its place in the line for
   * a while: room can only come from puts that stand in the line behind it.
   */
  async function acquire(want: Want, turn: Turn): Promise<Hold | undefined> {
    for (;;) {
      throwIfAborted(want.signal, "put");
      const step = await departures.write("put", (index): Hold | Way => {
        const limit = limitOf(index);
        if (want.total > limit.bytesMax) throw noRoom(want.total, limit.bytesMax);
        // What no walk has seen yet is taken for as large as it may be.
        const { unseen } = index.totals();
        const need = missing(index, limit, { ...want, bytes: want.bytes + unseen });
        if (need.bytes <= 0 && need.entries <= 0) return want.grant(index);
        const slack = need.bytes > 0 ? slackOf(limit.bytesMax) : 0;
        return makeWay(index, { ...need, bytes: need.bytes + slack }, turn.passed, parts);
      });
      if ("id" in step) return step;
      turn.passed += step.passed;
      if (step.out.length > 0 || step.passed > 0) {
        notes.count("evictions", await departures.remove(step.out, "put"));
        turn.deadline = clock.now() + limits.spaceMs;
        continue;
      }
      if (clock.now() >= turn.deadline) throw crowded();
      if (want.growing) await checkDeadlock();
      else if (growing > 0) return undefined;
      await waitForChange(want.signal);
    }
  }

  /** Who holds room and waits for more must not wait for those who do the same. */
  async function checkDeadlock(): Promise<void> {
    const puts = await guard.read("put", (index) => index.holds.countOfKind("put"));
    if (growing >= puts) throw crowded();
  }

  async function waitForChange(signal: AbortSignal): Promise<void> {
    if (clock.now() - recoveredAt >= recoverMs) {
      recoveredAt = clock.now();
      await recover().catch(() => undefined);
    }
    await new Promise<void>((resolve) => {
      waiters.push(resolve);
      sleep(clock, pollMs, signal).then(resolve, resolve);
    });
  }

  /** One at a time, in the order of asking, so that nobody takes what another one has evicted. */
  function inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = line.then(work, work);
    line = turn.catch(() => undefined);
    return turn;
  }

  async function waitFor(want: Want): Promise<Hold> {
    const turn = { passed: 0, deadline: clock.now() + limits.spaceMs };
    for (;;) {
      const hold = await inLine(() => acquire(want, turn));
      if (hold !== undefined) return hold;
    }
  }

  function giveBack({ epoch, id }: Hold): void {
    departures.defer(epoch, (index) => void index.holds.drop(id));
    departures.settle("put").catch(() => undefined);
  }

  function noRoom(bytes: number, bytesMax: number): StoreError {
    const full = ceiling !== undefined && bytesMax === ceiling.bytes;
    return new StoreError({
      code: full ? "UNAVAILABLE" : "TOO_LARGE",
      operation: "put",
      source,
      message: full
        ? "disk full a short time ago; free space or lower bytesMax"
        : `the blob takes ${bytes} bytes, the cache has ${bytesMax}; raise bytesMax`,
    });
  }

  function crowded(): StoreError {
    return new StoreError({
      code: "UNAVAILABLE",
      operation: "put",
      source,
      message: "puts in flight hold all of the budget; put fewer at a time or raise bytesMax",
    });
  }

  return {
    take({ key, size, signal }) {
      const bytes = chargeOf(size);
      names += 1;
      const name = `${guard.owner()}-${names}`;
      const grant = (index: CacheIndex): Hold => {
        const { sequence } = index.totals();
        const hold = { owner: guard.owner(), kind: "put", key, size, bytes, name } as const;
        return { id: index.holds.add(hold), epoch: index.epoch, name, bytes, sequence };
      };
      const waiting = waitFor({ bytes, total: bytes, entries: 1, growing: false, grant, signal });
      return orAborted(waiting, signal).catch((error: unknown) => {
        // Who has left the line may still get a hold, which nobody would give back.
        waiting.then(giveBack, () => undefined);
        throw error;
      });
    },
    async grow(hold, size, signal) {
      const bytes = chargeOf(size);
      const more = bytes - hold.bytes;
      if (more <= 0) return hold;
      const grant = (index: CacheIndex): Hold => {
        if (index.epoch !== hold.epoch) throw lostHold();
        index.holds.setBytes(hold.id, bytes);
        return { ...hold, bytes };
      };
      growing += 1;
      const want = { bytes: more, total: bytes, entries: 0, growing: true, grant, signal };
      const waiting = waitFor(want).finally(() => {
        growing -= 1;
      });
      return await orAborted(waiting, signal);
    },
    async shrink(to, operation, signal) {
      const freed = { entries: 0, bytes: 0 };
      for (let passed = 0; ; ) {
        throwIfAborted(signal, operation);
        const way = await departures.write(operation, (index): Way => {
          const need = missing(index, to, { bytes: 0, entries: 0 });
          if (need.bytes <= 0 && need.entries <= 0) return { out: [], passed: 0 };
          return makeWay(index, need, passed, parts);
        });
        if (way.out.length === 0 && way.passed === 0) return freed;
        passed += way.passed;
        const removed = await departures.remove(way.out, operation);
        notes.count("evictions", removed);
        freed.entries += removed;
        for (const { size } of way.out) freed.bytes += size;
      }
    },
    lowerCeiling(bytes) {
      ceiling = { bytes, until: clock.now() + limits.fullMs };
    },
    changed() {
      for (const wake of waiters.splice(0)) wake();
    },
  };
}

/** Whole blocks that an eviction frees beyond the need, so that not every put has to evict. */
function slackOf(bytesMax: number): number {
  return Math.floor(bytesMax / slackShare / blockBytes) * blockBytes;
}

/** The error of a put whose hold went with the index that it stood in. */
export function lostHold(): Error {
  return Object.assign(new Error("the hold is gone"), { code: "ENOENT" });
}
