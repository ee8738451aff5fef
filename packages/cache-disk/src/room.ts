import { sleep, StoreError, throwIfAborted } from "@bitstore/core";
import { orAborted } from "./abortable.ts";
import type { CacheIndex, IndexBudget, KeyedRow } from "./cache-index.ts";
import type { Departure, Departures } from "./departures.ts";
import { toStoreError } from "./disk-fault.ts";
import { evict } from "./evict.ts";
import type { HitNotes } from "./hit-notes.ts";
import type { IndexGuard } from "./index-guard.ts";
import { blockBytes, chargeOf, slackShare } from "./limits.ts";
import type { SieveNeed } from "./sieve.ts";
import type { CacheSettings } from "./settings.ts";

/** Room in the budget for one put, taken before its bytes are written. */
export interface Hold {
  readonly id: number;
  readonly epoch: string;
  /** Name of its file in `tmp`. */
  readonly name: string;
  /** Bytes of the budget that it holds. */
  readonly bytes: number;
  /** Newest entry at the time; one after it was put, and so verified, while this put was going on. */
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

/** What a transaction has done to make room. Nothing at all: there is no more that could go. */
interface Way {
  readonly out: readonly Departure[];
  readonly passed: number;
}

interface Want {
  readonly bytes: number;
  /** Bytes of the whole hold, where it has some already. */
  readonly total: number;
  readonly entries: number;
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
  let ceiling: { readonly bytes: number; readonly until: number } | undefined;
  let waiters: (() => void)[] = [];
  let recoveredAt = Number.NEGATIVE_INFINITY;

  function limitOf(index: CacheIndex): IndexBudget {
    const { bytesMax, entriesMax } = index.totals();
    if (ceiling !== undefined && clock.now() >= ceiling.until) ceiling = undefined;
    return { bytesMax: Math.min(bytesMax, ceiling?.bytes ?? bytesMax), entriesMax };
  }

  /** What has to go before the want fits; zero or less where it does. */
  function missing(index: CacheIndex, limit: IndexBudget, want: SieveNeed): SieveNeed {
    const { bytes, entries } = index.totals();
    const counted = limit.entriesMax < Number.MAX_SAFE_INTEGER;
    const puts = counted ? index.holds.countOfKind("put") : 0;
    return {
      bytes: bytes + want.bytes - limit.bytesMax,
      entries: counted ? entries + puts + want.entries - limit.entriesMax : 0,
    };
  }

  /** Takes out what the need asks for: entries first, then the quarantine. */
  function makeWay(index: CacheIndex, need: SieveNeed, passedBefore: number): Way {
    const out: Departure[] = [];
    const takeOut = (rows: readonly KeyedRow[]): void => {
      out.push(...departures.begin(index, rows));
    };
    const { steps, passed } = evict(index, { need, passedBefore, limits, notes, takeOut });
    if (steps === 0 && need.bytes > 0) {
      const [oldest] = index.holds.ofKind("quarantined");
      if (oldest !== undefined) out.push(departures.expel(index, oldest));
    }
    return { out, passed };
  }

  async function acquire(want: Want): Promise<Hold> {
    let passed = 0;
    let deadline = clock.now() + limits.spaceMs;
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
        return makeWay(index, { ...need, bytes: need.bytes + slack }, passed);
      });
      if ("id" in step) return step;
      passed += step.passed;
      if (step.out.length > 0 || step.passed > 0) {
        notes.count("evictions", await departures.remove(step.out, "put"));
        deadline = clock.now() + limits.spaceMs;
      } else if (clock.now() >= deadline) throw crowded();
      else await waitForChange(want.signal);
    }
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
      const turn = inLine(() => acquire({ bytes, total: bytes, entries: 1, grant, signal }));
      return orAborted(turn, signal).catch((error: unknown) => {
        // Who has left the line may still get a hold, which nobody would give back.
        turn.then(giveBack, () => undefined);
        throw error;
      });
    },
    grow(hold, size, signal) {
      const bytes = chargeOf(size);
      const more = bytes - hold.bytes;
      if (more <= 0) return Promise.resolve(hold);
      const grant = (index: CacheIndex): Hold => {
        if (index.epoch !== hold.epoch)
          throw toStoreError(lostHold(), { operation: "put", source });
        index.holds.setBytes(hold.id, bytes);
        return { ...hold, bytes };
      };
      const turn = inLine(() => acquire({ bytes: more, total: bytes, entries: 0, grant, signal }));
      return orAborted(turn, signal);
    },
    async shrink(to, operation, signal) {
      const freed = { entries: 0, bytes: 0 };
      for (let passed = 0; ; ) {
        throwIfAborted(signal, operation);
        const way = await departures.write(operation, (index): Way => {
          const need = missing(index, to, { bytes: 0, entries: 0 });
          if (need.bytes <= 0 && need.entries <= 0) return { out: [], passed: 0 };
          return makeWay(index, need, passed);
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
