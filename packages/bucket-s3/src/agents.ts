import { readFileSync } from "node:fs";
import { Agent as HttpAgent, type AgentOptions } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import tls from "node:tls";
import { StoreError } from "@bitstore/core";
import type { S3Environment } from "./s3-bucket-options.ts";

/** The pools of connections of one bucket. */
export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
  destroy(): void;
}

/** Milliseconds after which a connection of no use is closed, before services and proxies do so. */
const unusedMs = 15_000;

/**
 * Makes the pools: connections are kept, bounded in number, and go through the proxies that
 * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` name, in either case. `AWS_CA_BUNDLE` names the
 * authorities to trust in place of the usual ones, as in AWS's own tools; Node itself adds those of
 * `NODE_EXTRA_CA_CERTS`.
 *
 * @throws CONFIG_INVALID where a bundle can't be read, or a proxy is named that can't be used.
 */
export function makeAgents(
  connectionsMax: number,
  environment: S3Environment,
  name: string,
): Agents {
  const options: AgentOptions = {
    keepAlive: true,
    maxSockets: connectionsMax,
    maxFreeSockets: connectionsMax,
    timeout: unusedMs,
    ...proxyOptions(environment, name),
  };
  const ca = trusted(environment, name);
  const http = new HttpAgent(options);
  const https = new HttpsAgent(ca === undefined ? options : { ...options, ca });
  return {
    http,
    https,
    destroy: () => {
      http.destroy();
      https.destroy();
    },
  };
}

function proxyOptions(environment: S3Environment, name: string): AgentOptions {
  const read = (variable: string): string | undefined =>
    environment[variable.toLowerCase()] || environment[variable] || undefined;
  const HTTP_PROXY = read("HTTP_PROXY");
  const HTTPS_PROXY = read("HTTPS_PROXY");
  const proxies = [HTTP_PROXY, HTTPS_PROXY].filter((proxy) => proxy !== undefined);
  if (proxies.length === 0) return {};
  // Node would go without a proxy of another kind. The URL is not shown: it may hold a password.
  if (!proxies.every((proxy) => /^https?:$/.test(URL.parse(proxy)?.protocol ?? ""))) {
    throw invalid(name, "HTTP_PROXY or HTTPS_PROXY is no http or https URL");
  }
  if (!proxiesAreSupported(process.versions.node)) {
    throw invalid(name, "a proxy is named in the environment, which needs Node 22.21 or 24.5");
  }
  return { proxyEnv: { HTTP_PROXY, HTTPS_PROXY, NO_PROXY: read("NO_PROXY") } };
}

/** Tells whether an agent of this Node understands `proxyEnv`; older ones ignore it in silence. */
export function proxiesAreSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === 22) return minor >= 21;
  if (major === 24) return minor >= 5;
  return major > 24;
}

function trusted(environment: S3Environment, name: string): string[] | undefined {
  const path = environment["AWS_CA_BUNDLE"];
  if (path === undefined || path === "") return undefined;
  try {
    return [readFileSync(path, "utf8"), ...tls.getCACertificates("extra")];
  } catch (cause) {
    throw invalid(name, `AWS_CA_BUNDLE names ${path}, which can't be read`, cause);
  }
}

function invalid(source: string, message: string, cause?: unknown): StoreError {
  return new StoreError({ code: "CONFIG_INVALID", operation: "configure", source, message, cause });
}
