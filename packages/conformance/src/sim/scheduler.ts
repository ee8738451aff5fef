import type { Clock } from "@bitstore/core";
import { drainTicks } from "./drain.ts";
import { type PickPolicy, type Runnable, seededPolicy } from "./pick-policy.ts";
import { type Random, seededRandom } from "./random.ts";
import { type Trace, openTrace } from "./trace.ts";

export interface SchedulerOptions {
  /** Decides which goes on; drawn from the seed if left out. */
  readonly policy?: PickPolicy | undefined;
  /** Steps after which the run ends with `step limit`. */
  readonly stepsMax?: number | undefined;
  /** Milliseconds of virtual time that a step may take: 0 up to, and without, this. */
  readonly stepMs?: number | undefined;
  /** Waits until the code under test can do nothing more by itself. */
  readonly drain?: (() => Promise<void>) | undefined;
  /** Keeps what happened, for {@link Trace.lines}; costs memory and time. */
  readonly isTraced?: boolean | undefined;
}

/** How a clock of one party runs beside the simulator's own. */
export interface ClockSkew {
  readonly offsetMs?: number | undefined;
  /** Milliseconds that it counts in one of virtual time. */
  readonly rate?: number | undefined;
}

/** How a run ended. */
export interface RunOutcome {
  /** `deadlock`: something is not finished, nothing can go on, and no timer is set. */
  readonly ended: "done" | "deadlock" | "step limit";
  readonly steps: number;
  readonly timeMs: number;
  /** Names of the tasks that did not end. */
  readonly unfinished: readonly string[];
  /** What tasks threw; a task is expected to take what it meets. */
  readonly failures: readonly { readonly task: string; readonly error: unknown }[];
}

/**
 * Runs asynchronous code in an order that a seed decides, in virtual time. Code under test waits at
 * points (see {@link Scheduler.point}); the scheduler lets one go on, waits until nothing more
 * happens by itself, and lets the next go on. When none can, time goes on to the next timer. The
 * same seed gives the same run to the last step, as long as the code takes time, chance and
 * transport from here alone.
 */
export interface Scheduler {
  readonly seed: number;
  readonly random: Random;
  readonly policy: PickPolicy;
  /** How many have been let go on: an instant, in the order of all that happens. */
  readonly step: number;
  /** Virtual time. */
  readonly timeMs: number;
  readonly trace: Trace;
  /** Waits until the scheduler lets this lane go on. */
  point(lane: string, label: string): Promise<void>;
  /** Waits for virtual time, and then as a point does. */
  pause(lane: string, label: string, delayMs: number): Promise<void>;
  /** Makes a lane's clock; its timers are points of that lane. */
  clock(lane: string, skew?: ClockSkew): Clock;
  /** Starts a task that `run` waits for. It begins at a point of its lane. */
  spawn(lane: string, task: () => Promise<void>): void;
  /** Starts a task that `run` does not wait for, but goes on with while it can go on. */
  background(lane: string, task: () => Promise<void>): void;
  /** Goes on until all is done and nothing can go on. May be called again after more was spawned. */
  run(): Promise<RunOutcome>;
}

/** Steps of a run at most, where nothing is said: some hundred times what a history takes. */
export const stepsMaxDefault = 100_000;

interface Waiting extends Runnable {
  /** Not before this time. */
  readonly dueMs: number;
  readonly resume: () => void;
}

export function scheduler(seed: number, options: SchedulerOptions = {}): Scheduler {
  const random = seededRandom(seed);
  const chance = random.fork("schedule");
  const policy = options.policy ?? seededPolicy(chance);
  const { stepsMax = stepsMaxDefault, stepMs = 3, drain = drainTicks } = options;
  const trace = openTrace(options.isTraced ?? false);
  const ready: Waiting[] = [];
  const timers: Waiting[] = [];
  const unfinished = new Map<number, string>();
  const failures: { task: string; error: unknown }[] = [];
  let spawned = 0;
  let step = 0;
  let timeMs = 0;

  const wait = (lane: string, label: string, delayMs: number): Promise<void> =>
    new Promise((resume) => {
      if (delayMs <= 0) ready.push({ lane, label, dueMs: timeMs, resume });
      else timers.push({ lane, label, dueMs: timeMs + delayMs, resume });
    });

  const start = (lane: string, task: () => Promise<void>, isAwaited: boolean): void => {
    spawned += 1;
    const id = spawned;
    if (isAwaited) unfinished.set(id, lane);
    void (async () => {
      try {
        await wait(lane, "start", 0);
        await task();
      } catch (error) {
        failures.push({ task: lane, error });
      }
      unfinished.delete(id);
    })();
  };

  function clock(lane: string, { offsetMs = 0, rate = 1 }: ClockSkew = {}): Clock {
    return {
      now: () => offsetMs + timeMs * rate,
      after(delayMs, callback) {
        const dueMs = timeMs + Math.max(0, delayMs) / rate;
        const timer = { lane, label: `timer of ${delayMs} ms`, dueMs, resume: callback };
        timers.push(timer);
        return () => {
          remove(timers, timer);
          remove(ready, timer);
        };
      },
    };
  }

  const takeDue = (): void => {
    for (let index = timers.length - 1; index >= 0; index -= 1) {
      const timer = timers[index];
      if (timer === undefined || timer.dueMs > timeMs) continue;
      timers.splice(index, 1);
      ready.push(timer);
    }
  };

  const leap = (): void => {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of timers) next = Math.min(next, dueMs);
    if (next !== Number.POSITIVE_INFINITY) timeMs = Math.max(timeMs, next);
    takeDue();
  };

  /** Lets one go on; false where none can. */
  function goOn(): boolean {
    takeDue();
    if (ready.length === 0 || (timers.length > 0 && policy.leaps())) leap();
    if (ready.length === 0) return false;
    const index = policy.pick(ready, step);
    const [picked] = ready.splice(index, 1);
    if (picked === undefined)
      throw new RangeError(`the policy picked ${index}, which is not there`);
    step += 1;
    timeMs += chance.below(stepMs);
    trace.add(step, timeMs, picked.lane, picked.label);
    picked.resume();
    return true;
  }

  async function run(): Promise<RunOutcome> {
    // Draining by ticks is complete only when it is begun within a microtask.
    await Promise.resolve();
    const stepsEnd = step + stepsMax;
    await drain();
    let isGoing = true;
    while (isGoing && step < stepsEnd) {
      isGoing = goOn();
      await drain();
    }
    const open = [...unfinished.values()];
    const ended = isGoing ? "step limit" : open.length === 0 ? "done" : "deadlock";
    return { ended, steps: step, timeMs, unfinished: open, failures };
  }

  return {
    seed,
    random,
    policy,
    get step() {
      return step;
    },
    get timeMs() {
      return timeMs;
    },
    trace,
    point: (lane, label) => wait(lane, label, 0),
    pause: wait,
    clock,
    spawn: (lane, task) => start(lane, task, true),
    background: (lane, task) => start(lane, task, false),
    run,
  };
}

function remove(list: Waiting[], item: Waiting): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
