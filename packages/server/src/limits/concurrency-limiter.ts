/** Counts what clients have under way. */
export interface ConcurrencyLimiter {
  /** Lets a request of a client in and returns what ends it; undefined where it has too many. */
  enter(client: string): (() => void) | undefined;
  /** Clients that have something under way. */
  readonly size: number;
}

/** Bounds requests under way, of each client. What is remembered is what is under way, so is bounded. */
export function concurrencyLimiter(requestsPerClientMax: number): ConcurrencyLimiter {
  const counts = new Map<string, number>();
  return {
    get size() {
      return counts.size;
    },
    enter(client) {
      const count = counts.get(client) ?? 0;
      if (count >= requestsPerClientMax) return undefined;
      counts.set(client, count + 1);
      let hasLeft = false;
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        const left = (counts.get(client) ?? 1) - 1;
        if (left > 0) counts.set(client, left);
        else counts.delete(client);
      };
    },
  };
}
