import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BitstoreConfig, openWorkspaces, parseStore, readSecret } from "@bitstore/config";
import { consoleFolder } from "@bitstore/console";
import { createDisposal, StoreError } from "@bitstore/core";
import {
  type AuditConfig,
  auditKey,
  type AuditLog,
  createServer,
  openAccess,
  openAuditLog,
  parseServerConfig,
} from "@bitstore/server";
import { createLogger, createMetrics, logEvents, startTracing } from "@bitstore/telemetry";
import type { Invocation } from "../frame/frame.ts";
import { badUsage } from "../frame/hinted.ts";
import { readConfig } from "../store/open-store.ts";
import { openStoreFolder } from "../store/tier-bucket.ts";
import { readVersion } from "../version.ts";

export interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Serves until it is told to end, and lets requests under way finish. */
export async function serve(invocation: Invocation, options: ServeOptions): Promise<void> {
  const { io, output, settings, signal } = invocation;
  const config = await readConfig(settings, io);
  const { host, port, tlsCert: cert, tlsKey: key } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw badUsage("a certificate and its key go together", "--tls-cert FILE --tls-key FILE");
  }
  const files = cert === undefined || key === undefined ? undefined : { cert, key };
  const settled = parseServerConfig(config.server, { host, port, tls: files });
  const tls = settled.tls && {
    cert: await readPem(settled.tls.cert, "cert"),
    key: await readPem(settled.tls.key, "key"),
  };
  const secrets = await Promise.all(
    settled.access.secrets.map(async (text) =>
      Buffer.from(await readSecret(text, "server.auth.secret", io.env)),
    ),
  );
  if (settled.access.mode === "required" && secrets.length === 0) {
    output.note(
      "no server.auth.secret: receipts of tokens confined to tags end with this process, and the " +
        "audit log is not signed; openssl rand -hex 32 makes one",
    );
  }
  await using opened = createDisposal();
  const logger = createLogger({
    level: settings.verbose ? "info" : settled.log,
    write: (line) => void io.stderr.write(line),
  });
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
      return workspace;
    },
    access: openAccess(settled.access, { host: settled.host, secrets }),
    audit:
      settled.audit && opened.add(await openAudit(invocation, config, settled.audit, secrets[0])),
    limits: settled.limits,
    clientLimits: settled.clientLimits,
    metrics,
    logger,
    tracing,
    pageFolder: existsSync(join(consoleFolder, "index.html")) ? consoleFolder : undefined,
  });
  opened.add({ [Symbol.asyncDispose]: () => server.close({ drainMs: settled.drainMs }) });
  const { url } = await server.listen({ host: settled.host, port: settled.port, tls });
  output.aside({ listening: url }, `listening on ${url}`);
  if (!signal.aborted) await once(signal, "abort");
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

async function readPem(file: string, what: string): Promise<Buffer> {
  return await readFile(file).catch((cause: unknown) => {
    throw new StoreError({
      code: "CONFIG_INVALID",
      operation: "configure",
      subject: `server.tls.${what}`,
      message: `${file} can't be read`,
      cause,
    });
  });
}
