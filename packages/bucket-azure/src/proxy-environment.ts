import type { Environment } from "./options.ts";

/** The variables that say which proxy to use, read as most tools read them. */
export interface ProxyEnvironment {
  readonly HTTP_PROXY: string | undefined;
  readonly HTTPS_PROXY: string | undefined;
  readonly NO_PROXY: string | undefined;
}

/** Resolves to the proxies that the environment names; undefined where it names none. */
export function proxyEnvironment(environment: Environment): ProxyEnvironment | undefined {
  const read = (name: string): string | undefined =>
    environment[name.toLowerCase()] || environment[name] || undefined;
  const all = read("ALL_PROXY");
  const HTTP_PROXY = read("HTTP_PROXY") ?? all;
  const HTTPS_PROXY = read("HTTPS_PROXY") ?? all;
  if (HTTP_PROXY === undefined && HTTPS_PROXY === undefined) return undefined;
  return { HTTP_PROXY, HTTPS_PROXY, NO_PROXY: read("NO_PROXY") };
}
