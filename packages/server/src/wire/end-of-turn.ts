/**
 * Makes the function that resolves once all that came in this turn of the event loop was read. Each
 * answer written before that wakes a client who waits; those of a turn written in a row wake it once, and
 * then find it awake, which saves the system's share of the work. An answer that is alone in its turn
 * goes some microseconds later.
 */
export function turnEnds(): () => Promise<void> {
  let ending: Promise<void> | undefined;
  return () => {
    ending ??= new Promise((resolve) => {
      setImmediate(() => {
        ending = undefined;
        resolve();
      });
    });
    return ending;
  };
}
