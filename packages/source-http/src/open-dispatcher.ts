import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import type { AddressPolicy } from "./private-address.ts";

/**
 * Makes the connections of one source: kept open between requests, HTTP/1.1, over the proxies of
 * `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` where the environment names them. CAs are those of the
 * runtime, with the file of `NODE_EXTRA_CA_CERTS`. What a proxy looks up is the proxy's to allow:
 * the addresses of names are checked on direct connections only.
 */
export function openDispatcher(
  addresses: AddressPolicy,
  connectTimeoutMs: number,
  environment: NodeJS.ProcessEnv,
): Dispatcher {
  const httpProxy = environment["http_proxy"] ?? environment["HTTP_PROXY"] ?? "";
  const httpsProxy = environment["https_proxy"] ?? environment["HTTPS_PROXY"] ?? "";
  const options = {
    allowH2: false,
    connectTimeout: connectTimeoutMs,
    connect: { lookup: addresses.lookup },
  };
  if (httpProxy === "" && httpsProxy === "") return new Agent(options);
  const noProxy = environment["no_proxy"] ?? environment["NO_PROXY"] ?? "";
  return new EnvHttpProxyAgent({ ...options, httpProxy, httpsProxy, noProxy });
}
