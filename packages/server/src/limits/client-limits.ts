import { type Clock, StoreError, systemClock } from "@bitstore/core";
import { concurrencyLimiter } from "./concurrency-limiter.ts";
import { rateLimiter } from "./rate-limiter.ts";

/** Bounds of what one client, and all together, may ask. */
export interface ClientLimits {
  /** Requests of one client in a second, over time; undefined: as many as it likes. */
  readonly requestsPerSecondMax: number | undefined;
  /** Requests of one client at once after it was quiet. */
  readonly burstMax: number;
  /** Requests of one client under way. */
  readonly requestsPerClientMax: number;
  /** Archives of one client that are being sent; each holds some tens of MiB while it is not taken. */
  readonly archivesPerClientMax: number;
  /** Archives that are being sent to all. */
  readonly archivesMax: number;
  /** Clients whose rate is remembered. */
  readonly clientsMax: number;
  /** Wrong credentials of one address in a minute; undefined: as many as it likes. */
  readonly refusalsPerMinuteMax: number | undefined;
}

/**
 * Rates are off unless they are asked for: 60,000 requests a second is what one client may rightly do
 * on a fast network, and only its operator knows better. What is under way is bounded, since each costs
 * memory; wrong credentials are, since nobody sends them often by mistake.
 */
export const clientLimitsDefault: ClientLimits = {
  requestsPerSecondMax: undefined,
  burstMax: 1000,
  requestsPerClientMax: 2048,
  archivesPerClientMax: 16,
  archivesMax: 64,
  clientsMax: 100_000,
  refusalsPerMinuteMax: 600,
};

/** Counts requests of clients (`clientKey`) and refuses what is too much, with RATE_LIMITED. */
export interface ClientGate {
  /** Lets a request in and returns what is to be called once it has ended. */
  enter(client: string): () => void;
  /** Lets an archive begin and returns what is to be called once it has ended. */
  enterArchive(client: string): () => void;
  /** Counts credentials that did not hold; throws once an address sent too many of them. */
  refused(address: string): void;
}

export function clientGate(
  given: Partial<ClientLimits> = {},
  clock: Clock = systemClock,
): ClientGate {
  const limits = { ...clientLimitsDefault, ...given };
  const { requestsPerSecondMax, burstMax, clientsMax, refusalsPerMinuteMax } = limits;
  const rate =
    requestsPerSecondMax === undefined
      ? undefined
      : rateLimiter({ requestsPerSecondMax, burstMax, clientsMax }, clock);
  const refusals =
    refusalsPerMinuteMax === undefined
      ? undefined
      : rateLimiter(
          {
            requestsPerSecondMax: refusalsPerMinuteMax / 60,
            burstMax: refusalsPerMinuteMax,
            clientsMax,
          },
          clock,
        );
  const underWay = concurrencyLimiter(limits.requestsPerClientMax);
  const archives = concurrencyLimiter(limits.archivesPerClientMax, limits.archivesMax);
  return {
    enter(client) {
      const waitMs = rate?.take(client) ?? 0;
      if (waitMs > 0) throw limited("it asks more often than it may", waitMs);
      const leave = underWay.enter(client);
      if (leave === undefined) {
        const { requestsPerClientMax } = limits;
        throw limited(`it has ${requestsPerClientMax} requests under way already`, 1000);
      }
      return leave;
    },
    enterArchive(client) {
      const leave = archives.enter(client);
      if (leave === undefined) {
        throw limited("as many archives as may be are being sent, to it or to all", 1000);
      }
      return leave;
    },
    refused(address) {
      const waitMs = refusals?.take(address) ?? 0;
      if (waitMs > 0) throw limited("too many credentials that don't hold", waitMs);
    },
  };
}

function limited(message: string, retryAfterMs: number): StoreError {
  return new StoreError({
    code: "RATE_LIMITED",
    operation: "request",
    subject: "client",
    message,
    retryAfterMs,
  });
}
