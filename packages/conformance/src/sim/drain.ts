/**
 * Resolves when no promise can go on by itself: a tick that is asked for within a microtask comes
 * after all microtasks, and those that they ask for. 0.3 µs; code that waits for streams, files or
 * ticks of its own needs {@link drainTurns}. The event loop stands still meanwhile, so whoever runs
 * many simulations lets it turn between two.
 */
export function drainTicks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/**
 * Resolves after two turns of the event loop: ticks have run, and immediates that were asked for before
 * the first. Some µs. What waits longer, as for a file, is not seen to the end: keep it out of runs.
 */
export function drainTurns(): Promise<void> {
  return new Promise((resolve) => {
    // The first may come before an immediate that the code under test asks for in this very turn.
    setImmediate(() => setImmediate(resolve));
  });
}
