/** Counts what clients have under way. */
export interface ConcurrencyLimiter {
  /**
   * Lets a request of a client in and returns what ends it; undefined where there are too many. A bound
   * that may have changed since is given each time.
   */
  enter(client: string, perClientMax?: number): (() => void) | undefined;
  /** Clients that have something under way. */
  readonly size: number;
}

/**
 * Bounds requests under way, of each client and of all. What is remembered is what is under way, so is
 * bounded.
 */
export function concurrencyLimiter(
  requestsPerClientMax: number,
  requestsMax: number = Number.POSITIVE_INFINITY,
): ConcurrencyLimiter {
  const clients = new Map<string, { underWay: number }>();
  let underWay = 0;
  return {
    get size() {
      return clients.size;
    },
    enter(key, perClientMax = requestsPerClientMax) {
      const known = clients.get(key);
      const client = known ?? { underWay: 0 };
      if (client.underWay >= perClientMax || underWay >= requestsMax) return undefined;
      if (known === undefined) clients.set(key, client);
      client.underWay += 1;
      underWay += 1;
      let hasLeft = false;
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        client.underWay -= 1;
        underWay -= 1;
        if (client.underWay === 0) clients.delete(key);
      };
    },
  };
}
