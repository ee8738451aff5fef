/** Lets the work on one key go on one at a time, in the order of asking. */
export interface Turns {
  take<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const lines = new Map<string, Promise<unknown>>();
  return {
    async take(key, work) {
      const before = lines.get(key) ?? Promise.resolve();
      const turn = before.then(work, work);
      lines.set(key, turn);
      try {
        return await turn;
      } finally {
        if (lines.get(key) === turn) lines.delete(key);
      }
    },
  };
}
