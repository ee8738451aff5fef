import type { Server, Socket } from "node:net";
import { clientKey } from "./client-key.ts";
import { concurrencyLimiter } from "./concurrency-limiter.ts";
import { peerAddress } from "./ip-address.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** What open connections are counted against now; a new config may change it. */
export interface ConnectionBounds {
  /** Open connections of one address; of IPv6, of its /64. */
  readonly connectionsPerAddressMax: number;
  /** Who holds connections for others, as many as there are. */
  readonly proxies: TrustedProxies | undefined;
}

/**
 * Closes each connection of an address that has as many as it may, at once and without a word: a word
 * costs what is to be saved, and who opens so many does not listen. A connection is counted from before
 * its TLS handshake until its socket has closed, however it ends. One that is open already is left
 * alone when the bounds change.
 *
 * What is remembered is what is open, which `server.maxConnections` bounds.
 */
export function limitConnections(server: Server, bounds: () => ConnectionBounds): void {
  const open = concurrencyLimiter(Number.POSITIVE_INFINITY);
  server.on("connection", (socket: Socket) => {
    const { connectionsPerAddressMax, proxies } = bounds();
    const { remoteAddress } = socket;
    if (proxies !== undefined && remoteAddress !== undefined) {
      if (proxies.has(peerAddress(remoteAddress))) return;
    }
    const leave = open.enter(clientKey(undefined, remoteAddress), connectionsPerAddressMax);
    if (leave === undefined) socket.destroy();
    else socket.once("close", leave);
  });
}
