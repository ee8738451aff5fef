import { type BitstoreClient, createClient } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";
import { type Fetch, fetchTransport } from "./wire/fetch-transport.ts";

/** What a client in a browser takes. */
export interface BrowserClientOptions extends ClientOptions {
  /** The page's own if left out. */
  readonly fetch?: Fetch | undefined;
}

/**
 * Opens another bitstore by `fetch`, as pages have it: everything that the client in Node does, but
 * that what is put is held in memory first, as browsers can't stream it.
 *
 * @throws CONFIG_INVALID for a URL that is none, or that has a secret in it.
 */
export function bitstoreClient(options: BrowserClientOptions): BitstoreClient {
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  return createClient(options, () => fetchTransport(fetch));
}
