import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type BitstoreConfig, openWorkspaces, parseStore } from "@bitstore/config";
import { consoleFolder } from "@bitstore/console";
import { createDisposal, StoreError } from "@bitstore/core";
import {
  type Access,
  type AuditConfig,
  auditKey,
  type AuditLog,
  createServer,
  openAccess,
  openAuditLog,
  type ServerConfig,
} from "@bitstore/server";
import {
  createLogger,
  createMetrics,
  logEvents,
  type LogLevel,
  startTracing,
} from "@bitstore/telemetry";
import type { Invocation } from "../frame/frame.ts";
import { openStoreFolder } from "../store/tier-bucket.ts";
import { readVersion } from "../version.ts";
import { levelLogger } from "./level-logger.ts";
import { reloader } from "./reload-serve.ts";
import { type ServeOptions, type SettledServe, settleServe } from "./settle-serve.ts";

/** Serves until it is told to end, and lets requests under way finish; SIGHUP reads the config anew. */
export async function serve(invocation: Invocation, options: ServeOptions): Promise<void> {
  const { io, output, settings, signal } = invocation;
  const started = await settleServe(invocation, options);
  const { config, server: settled, tls, secrets } = started;
  if (settled.access.mode === "required" && secrets.length === 0) {
    output.note(
      "no server.auth.secret: receipts of tokens confined to tags end with this process, and the " +
        "audit log is not signed; openssl rand -hex 32 makes one",
    );
  }
  // Made up once, so that a reload leaves the receipts that were given.
  const ownSecret = randomBytes(32);
  const accessOf = (of: SettledServe): Access =>
    openAccess(of.server.access, {
      host: settled.host,
      secrets: of.secrets.length > 0 ? of.secrets : [ownSecret],
    });
  const levelOf = ({ log }: ServerConfig): LogLevel => (settings.verbose ? "info" : log);
  await using opened = createDisposal();
  const write = (line: string): void => void io.stderr.write(line);
  const logger = levelLogger((level) => createLogger({ level, write }), levelOf(settled));
  using metrics = createMetrics();
  using events = logEvents(logger);
  void events;
  const tracing = settled.tracing && opened.add(await startTracing(settled.tracing));
  const open = openWorkspaces(
    config,
    { env: io.env },
    {
      namespaces: settled.access.namespaces,
      tags: { client: `bitstore/${readVersion()}`, actor: "anonymous" },
    },
  );
  const server = createServer({
    open: async (namespace) => {
      const workspace = await open(namespace);
      metrics.watchTiers(() => workspace.health());
      for (const [queue, depth] of workspace.queues) {
        metrics.watchQueue(namespace === "default" ? queue : `${namespace} ${queue}`, depth);
      }
      return workspace;
    },
    access: accessOf(started),
    audit:
      settled.audit && opened.add(await openAudit(invocation, config, settled.audit, secrets[0])),
    limits: settled.limits,
    clientLimits: settled.clientLimits,
    nodeLimits: settled.nodeLimits,
    trustedProxies: settled.trustedProxies,
    metrics,
    logger,
    tracing,
    pageFolder: existsSync(join(consoleFolder, "index.html")) ? consoleFolder : undefined,
  });
  opened.add({ [Symbol.asyncDispose]: () => server.close({ drainMs: settled.drainMs }) });
  const { url } = await server.listen({ host: settled.host, port: settled.port, tls });
  const reload = reloader(started, {
    settle: () => settleServe(invocation, options, settled.host),
    apply(next) {
      server.setAccess(accessOf(next));
      server.setLimits(next.server);
      logger.setLevel(levelOf(next.server));
    },
    onReloaded: (restart) =>
      output.aside(
        { reloaded: true, restart },
        `reloaded${restart.length === 0 ? "" : `; a restart is needed for ${restart.join(", ")}`}`,
      ),
    onFailed: (error) =>
      logger.error("the config was not reloaded, and holds as it was", { error }),
  });
  const stopReloads = io.onHangUp(() => void reload());
  // Whoever reads this may send the signal at once, which would end the process a moment before.
  output.aside({ listening: url }, `listening on ${url}`);
  if (!signal.aborted) await once(signal, "abort");
  stopReloads();
  output.note("ending; requests under way may finish, a second signal ends at once");
}

/** Opens the audit log, in the bucket that the config names for it, or in the metadata. */
async function openAudit(
  { io }: Invocation,
  { metadata }: BitstoreConfig,
  { url }: AuditConfig,
  secret: Uint8Array | undefined,
): Promise<AuditLog> {
  const store = url === undefined ? metadata : parseStore(url, io.cwd);
  if (store === undefined) {
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "configure",
      subject: "server.audit",
      message: "the audit log needs metadata in the config; say where, or audit: false",
    });
  }
  await using disposal = createDisposal();
  const bucket = disposal.add(await openStoreFolder(store, io));
  const log = openAuditLog(bucket, { key: secret && auditKey(secret) });
  disposal.add(log);
  const held = disposal.move();
  return { ...log, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
}
