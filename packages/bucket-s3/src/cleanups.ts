import type { Clock } from "@bitstore/core";

/** Work that goes on after its operation has answered, such as the removal of parts. */
export interface Cleanups {
  /** Keeps track of the work, and waits for it for a bounded time. Never rejects. */
  run(work: () => Promise<unknown>): Promise<void>;
  /** Waits for all that is going on, for a bounded time. */
  drain(): Promise<void>;
}

export function cleanups(clock: Clock, waitMs: number): Cleanups {
  const running = new Set<Promise<void>>();

  async function bounded(work: Promise<unknown>): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(waitMs, resolve);
    });
    await Promise.race([work, late]);
    cancel();
  }

  return {
    run(work) {
      const task = settled(work);
      running.add(task);
      void task.then(() => running.delete(task));
      return bounded(task);
    },
    drain: () => bounded(Promise.all(running)),
  };
}

/** What could not be cleaned up stays for the bucket's own rule for incomplete uploads. */
async function settled(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // The operation that failed before has its own error to report.
  }
}
