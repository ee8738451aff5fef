import type { Server, ServerOptions } from "node:http";

/** What Node's own server is told about clients. */
export interface NodeLimits {
  /** Bytes of all headers of a request, with its first line. */
  readonly headerBytesMax: number;
  /** Until the headers of a request have come, from its first byte (slowloris). */
  readonly headersTimeoutMs: number;
  /** That a connection may wait for its next request. */
  readonly keepAliveMs: number;
  /** Open connections of all clients. */
  readonly connectionsMax: number;
  /** Open connections of one address; of IPv6, of its /64. Trusted proxies are not counted. */
  readonly connectionsPerAddressMax: number;
}

/**
 * Behind one address there may be an office, or a build farm: its default lets 32 clients have all their
 * connections at once, of which the client of bitstore opens 128, and is twice the requests that one
 * client may have under way. No honest client meets it, and four fifths of all connections are left to
 * others whatever one address does.
 */
export const nodeLimitsDefault: NodeLimits = {
  headerBytesMax: 16 * 1024,
  headersTimeoutMs: 20_000,
  keepAliveMs: 65_000,
  connectionsMax: 20_000,
  connectionsPerAddressMax: 4096,
};

/** How often Node looks for connections whose headers don't come. */
const checkMs = 5_000;

/** Makes the options of `createServer`, of node:http or node:https. */
export function nodeServerOptions(given: Partial<NodeLimits> = {}): ServerOptions {
  const { headerBytesMax, headersTimeoutMs, keepAliveMs } = { ...nodeLimitsDefault, ...given };
  return {
    maxHeaderSize: headerBytesMax,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(checkMs, headersTimeoutMs),
    // A limit on the whole request ends a large upload that goes well; `watchSlowClient` does not.
    requestTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
}

/** Sets what a server takes only once it is made; again, where a new config has other bounds. */
export function limitNodeServer(server: Server, given: Partial<NodeLimits> = {}): void {
  const { connectionsMax } = { ...nodeLimitsDefault, ...given };
  server.maxConnections = connectionsMax;
  // Node drops headers over its own count without a word, a second Content-Length among them:
  // `checkHeaders` counts and refuses.
  server.maxHeadersCount = 0;
}
