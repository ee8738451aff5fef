import type { Bucket, Clock } from "@bitstore/core";
import type { Scheduler } from "../../../conformance/src/sim/scheduler.ts";
import { graceMs } from "./blobs.ts";

/** A machine that sleeps now and then: its clock stands still, and its timers and requests wait. */
export interface SleepyMachine {
  readonly clock: Clock;
  /** Puts and heads wait while the machine sleeps, and before each it may fall asleep. */
  bucket(inner: Bucket): Bucket;
}

export function sleepyMachine(sim: Scheduler, lane: string): SleepyMachine {
  const inner = sim.clock(lane);
  const isSleepy = sim.random.chance(0.4);
  let sleptMs = 0;
  let wakesAtMs = 0;
  async function maySleep(): Promise<void> {
    if (isSleepy && sim.random.chance(0.05)) {
      const forMs = sim.random.below(3 * graceMs);
      sleptMs += forMs;
      wakesAtMs = sim.timeMs + forMs;
    }
    while (sim.timeMs < wakesAtMs) await sim.pause(lane, "asleep", wakesAtMs - sim.timeMs);
  }
  const after: Clock["after"] = (delayMs, callback) => {
    let cancel = inner.after(delayMs, () => {
      if (sim.timeMs >= wakesAtMs) callback();
      else cancel = inner.after(wakesAtMs - sim.timeMs, callback);
    });
    return () => cancel();
  };
  return {
    clock: { now: () => inner.now() - sleptMs, after },
    bucket: (bucket) => ({
      ...bucket,
      async put(key, body, options) {
        await maySleep();
        return await bucket.put(key, body, options);
      },
      async head(key, options) {
        await maySleep();
        return await bucket.head(key, options);
      },
    }),
  };
}
