import { type BitstoreClient, createClient } from "./client.ts";
import type { ClientOptions } from "./client-options.ts";
import { type TlsOptions, undiciTransport } from "./wire/undici-transport.ts";

/** What a client in Node takes. */
export interface NodeClientOptions extends ClientOptions {
  readonly tls?: TlsOptions | undefined;
  /** Where `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are looked up; the process's own if left out. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Opens another bitstore over HTTP: its blobs as a store, its tags as a tag log. Requests that failed
 * for a while are repeated, bodies stream both ways, and every wait has an end. Redirects are not
 * followed, since the token would go along.
 *
 * @throws CONFIG_INVALID for a URL that is none, or that has a secret in it.
 *
 * @example
 * await using client = bitstoreClient({ url: "https://bitstore.example", token });
 * const { digest } = await client.store.put(bytes);
 * await client.tags.append("models/prod", digest, { expect: 6 });
 */
export function bitstoreClient(options: NodeClientOptions): BitstoreClient {
  const { tls = {}, environment = process.env } = options;
  return createClient(options, ({ connectMs, connectionsMax }) =>
    undiciTransport({ connectMs, connectionsMax, tls, environment }),
  );
}
