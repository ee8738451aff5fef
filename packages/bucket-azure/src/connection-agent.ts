import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Environment } from "./options.ts";
import { proxyEnvironment } from "./proxy-environment.ts";

/** An idle connection is closed before services and proxies do so, and a request gets lost. */
const idleMs = 30_000;

/**
 * Makes the agent that keeps connections alive and bounds their number, through a proxy where the
 * environment names one. Resolves to undefined where Node's agents can't do proxies (before 22.21
 * and 24.5) and one is named: the SDK's own proxy policy does it then, unbounded and without
 * keeping connections.
 */
export function connectionAgent(
  endpoint: URL,
  connectionsMax: number,
  environment: Environment,
  nodeVersion: string = process.versions.node,
): HttpAgent | undefined {
  const proxies = proxyEnvironment(environment);
  if (proxies !== undefined && !agentsDoProxies(nodeVersion)) return undefined;
  const Agent = endpoint.protocol === "https:" ? HttpsAgent : HttpAgent;
  return new Agent({
    keepAlive: true,
    maxSockets: connectionsMax,
    maxFreeSockets: connectionsMax,
    timeout: idleMs,
    ...(proxies === undefined ? {} : { proxyEnv: { ...proxies } }),
  });
}

function agentsDoProxies(nodeVersion: string): boolean {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  return major > 24 || (major === 24 && minor >= 5) || (major === 22 && minor >= 21);
}
