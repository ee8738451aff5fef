import { isDeepStrictEqual } from "node:util";
import type { SettledServe } from "./settle-serve.ts";

/** What of a server that runs can be told otherwise. */
export interface Reloading {
  /** Reads the config anew. */
  settle(): Promise<SettledServe>;
  /** Lets what can hold at once do so. */
  apply(settled: SettledServe): void;
  /** Is told of what holds now, and what of it waits for a restart. */
  onReloaded(restart: readonly string[]): void;
  /** Is told why all stayed as it was. */
  onFailed(error: unknown): void;
}

/**
 * Makes what a reload calls. What waits for a restart is told anew each time, against what the server
 * was started with. A call during another one waits for it, and several do so as one.
 */
export function reloader(started: SettledServe, reloading: Reloading): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let isWaiting = false;

  async function reload(): Promise<void> {
    isWaiting = false;
    try {
      const settled = await reloading.settle();
      reloading.apply(settled);
      reloading.onReloaded(needsRestart(started, settled));
    } catch (error) {
      reloading.onFailed(error);
    }
  }

  return () => {
    if (!isWaiting) {
      isWaiting = true;
      running = running.then(reload);
    }
    return running;
  };
}

/** Names what is another in the config than the server was started with, and holds only after a restart. */
function needsRestart(started: SettledServe, settled: SettledServe): readonly string[] {
  const parts = (of: SettledServe): Readonly<Record<string, unknown>> => ({
    tiers: of.config.tiers,
    metadata: of.config.metadata,
    journal: of.config.journal,
    "server.host": of.host,
    "server.port": of.server.port,
    "server.tls": of.tls,
    "server.drainSeconds": of.server.drainMs,
    "server.tracing": of.server.tracing,
    "server.audit": of.server.audit,
    "server.namespaces": of.server.access.namespaces,
    // Receipts are signed with the new one at once.
    "server.auth.secret for the audit log": of.server.audit && of.secrets[0],
  });
  const before = parts(started);
  return Object.entries(parts(settled))
    .filter(([name, value]) => !isDeepStrictEqual(value, before[name]))
    .map(([name]) => name);
}
