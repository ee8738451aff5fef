import { AsyncLocalStorage } from "node:async_hooks";
import { closeSync } from "node:fs";
import type { Random, Scheduler } from "@bitstore/conformance";
import type { Clock } from "@bitstore/core";

/** How often each kind of trouble comes to a call of the disk, from 0 to 1. */
export interface DiskWeather {
  /** ENOSPC of what writes, SQLite's transactions among it. */
  readonly full: number;
  /** EIO of anything. */
  readonly broken: number;
  /** EMFILE of what opens. */
  readonly handles: number;
  /** SQLITE_BUSY of a transaction. */
  readonly busy: number;
  /** A write or read that moves a part only. */
  readonly short: number;
  readonly stormEndMs: number;
}

/** Where a process dies: at its n-th call of the disk, before that took effect or after it. */
export interface Death {
  readonly atCall: number;
  readonly afterEffect: boolean;
}

/** Something that dies with its process, as a handle does. */
interface Closable {
  close(): void;
}

/** One process of the machine: what it has open, and whether it lives. */
export interface SimProcess {
  readonly lane: string;
  readonly clock: Clock;
  readonly isDead: boolean;
  /** Resolves when it was killed. */
  readonly died: Promise<void>;
  readonly handles: Set<number>;
  readonly databases: Set<Closable>;
  /** Lets it run: whatever is called within belongs to it. */
  run<T>(work: () => T): T;
  kill(): void;
}

/** The calls that change files, or look at them. */
export type DiskCall =
  | "create"
  | "open"
  | "write"
  | "read"
  | "stat"
  | "sync"
  | "close"
  | "rename"
  | "remove"
  | "list"
  | "mkdir"
  | "transaction";

const fails: Readonly<Record<"full" | "broken" | "handles", ReadonlySet<DiskCall>>> = {
  full: new Set(["create", "write", "mkdir", "rename", "sync", "transaction"]),
  broken: new Set(["create", "open", "write", "read", "stat", "sync", "rename", "remove", "list"]),
  handles: new Set(["create", "open"]),
};

const errnos = { full: "ENOSPC", broken: "EIO", handles: "EMFILE" } as const;

/** A machine whose disk is a folder of the real one, but whose time, faults and deaths are drawn. */
export interface Machine {
  readonly sim: Scheduler;
  /** The boot's id, as the kernel gives it. */
  readonly bootId: string;
  /** Files whose bytes, by inode, a loss of power may take. */
  readonly unsynced: Set<number>;
  current(): SimProcess | undefined;
  start(lane: string, death: Death | undefined): SimProcess;
  /** One call that takes time: waits for its turn, and then may fail, or never be answered. */
  call<T>(kind: DiskCall, path: string, work: () => T): Promise<T>;
  /** One call that nothing comes between. */
  callNow<T>(kind: DiskCall, path: string, work: () => T): T;
  /** Gives how much of some bytes a call moves. */
  pieceOf(length: number): number;
  /** Ends the weather: from here on nothing fails. */
  mend(): void;
  /** All processes are gone, and the next boot has another id. */
  losePower(): void;
}

/** What a process that is dead comes to see, if it looks. */
function killed(): Error {
  return Object.assign(new Error("the process was killed"), { code: "EIO" });
}

export interface MachineOptions {
  readonly weather: DiskWeather;
  /** Told after each effect that may have made the folder larger. */
  readonly onGrowth: (path: string) => void;
}

export function machine(sim: Scheduler, { weather, onGrowth }: MachineOptions): Machine {
  const chance: Random = sim.random.fork("disk");
  const storage = new AsyncLocalStorage<SimProcess>();
  const processes: SimProcess[] = [];
  const unsynced = new Set<number>();
  const plans = new Map<SimProcess, { calls: number; readonly death: Death | undefined }>();
  let boots = 1;
  let isMended = false;

  function start(lane: string, death: Death | undefined): SimProcess {
    const { promise: died, resolve } = Promise.withResolvers<void>();
    const handles = new Set<number>();
    const databases = new Set<Closable>();
    const inner = sim.clock(lane);
    let isDead = false;
    const process: SimProcess = {
      lane,
      died,
      handles,
      databases,
      get isDead() {
        return isDead;
      },
      clock: {
        now: () => inner.now(),
        after: (delayMs, callback) =>
          inner.after(delayMs, () => {
            if (!isDead) storage.run(process, callback);
          }),
      },
      run: (work) => storage.run(process, work),
      kill() {
        if (isDead) return;
        isDead = true;
        sim.trace.note(lane, "is killed");
        for (const database of databases) database.close();
        for (const handle of handles) closeSync(handle);
        resolve();
      },
    };
    plans.set(process, { calls: 0, death });
    processes.push(process);
    return process;
  }

  function troubleOf(kind: DiskCall): Error | undefined {
    if (isMended || sim.timeMs >= weather.stormEndMs) return undefined;
    let left = chance.next();
    for (const trouble of ["full", "broken", "handles"] as const) {
      if (!fails[trouble].has(kind)) continue;
      left -= weather[trouble];
      if (left >= 0) continue;
      const code = errnos[trouble];
      if (kind === "transaction") return Object.assign(new Error(code), { errcode: 13 });
      return Object.assign(new Error(`${code}, by the simulation`), { code });
    }
    if (kind === "transaction" && left < weather.busy) {
      return Object.assign(new Error("busy"), { errcode: 5 });
    }
    return undefined;
  }

  function callNow<T>(kind: DiskCall, path: string, work: () => T): T {
    const process = storage.getStore();
    const plan = process === undefined ? undefined : plans.get(process);
    if (process === undefined || plan === undefined) return work();
    if (process.isDead) throw killed();
    plan.calls += 1;
    const dies = plan.calls === plan.death?.atCall;
    if (dies && !(plan.death?.afterEffect ?? true)) process.kill();
    if (process.isDead) throw killed();
    const trouble = troubleOf(kind);
    if (trouble !== undefined) {
      sim.trace.note(process.lane, `${kind} fails: ${trouble.message}`);
      throw trouble;
    }
    const result = work();
    if (kind === "write" || kind === "create") onGrowth(path);
    if (!dies) return result;
    process.kill();
    throw killed();
  }

  return {
    sim,
    unsynced,
    get bootId() {
      return String(boots).padStart(8, "0");
    },
    current: () => storage.getStore(),
    start,
    callNow,
    async call(kind, path, work) {
      const process = storage.getStore();
      if (process === undefined) return work();
      await sim.point(process.lane, `${kind} ${shortPath(path)}`);
      try {
        return callNow(kind, path, work);
      } catch (error) {
        if (process.isDead) return await new Promise<never>(() => undefined);
        throw error;
      }
    },
    pieceOf(length) {
      const isWhole = isMended || storage.getStore() === undefined || !chance.chance(weather.short);
      return isWhole || length < 2 ? length : 1 + chance.below(length - 1);
    },
    mend() {
      isMended = true;
    },
    losePower() {
      boots += 1;
      for (const process of processes) process.kill();
    },
  };
}

function shortPath(path: string): string {
  const [last = "", before = ""] = path.split("/").toReversed();
  return /^[0-9a-f]{64}$/.test(last)
    ? last.slice(0, 8)
    : `${before.slice(0, 12)}/${last.slice(0, 24)}`;
}
