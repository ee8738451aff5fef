/** Of the turn that is under way, while somebody waits for its end. */
let ending: Promise<void> | undefined;

/**
 * Resolves once all that came in this turn of the event loop was read. Each answer written before that
 * wakes a client who waits; those of a turn written in a row wake it once, and then find it awake, which
 * saves the system's share of the work. An answer that is alone in its turn goes some microseconds later.
 */
export function endOfTurn(): Promise<void> {
  ending ??= new Promise((resolve) => {
    setImmediate(() => {
      ending = undefined;
      resolve();
    });
  });
  return ending;
}
