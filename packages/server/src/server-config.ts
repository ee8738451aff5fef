import { StoreError } from "@bitstore/core";
import type { LogLevel, TracingConfig } from "@bitstore/telemetry";
import { z } from "zod";
import type { AccessConfig } from "./access/access-config.ts";
import { parseAccess } from "./access/parse-access.ts";
import { type AuditConfig, parseAudit } from "./audit/parse-audit.ts";
import type { ClientLimits } from "./limits/client-limits.ts";
import type { NodeLimits } from "./limits/node-limits.ts";
import { trustedProxies } from "./limits/trusted-proxies.ts";
import { issueWords } from "./wire/issue-words.ts";
import type { ServerLimits } from "./server-limits.ts";

/** The server's part of a config, checked. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  /** Files with a certificate chain and its key, as PEM. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Milliseconds that requests under way are given when the server ends. */
  readonly drainMs: number;
  readonly access: AccessConfig;
  /** Where it is recorded who changed what; undefined: nowhere. */
  readonly audit: AuditConfig | undefined;
  /** The least that is logged; requests that failed, unless it says more. */
  readonly log: LogLevel;
  /** Where traces are sent; undefined: there are none. */
  readonly tracing: TracingConfig | undefined;
  readonly limits: Partial<ServerLimits>;
  readonly clientLimits: Partial<ClientLimits>;
  readonly nodeLimits: Partial<Pick<NodeLimits, "connectionsMax" | "connectionsPerAddressMax">>;
  /** Addresses and CIDR ranges whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
}

/** What the command line says in place of the file. */
export interface ServerOverrides {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

export const serverHostDefault = "127.0.0.1";
export const serverPortDefault = 7070;

const path = z.string().min(1).max(4096);
const count = z.number().int().min(1);
const shape = z.strictObject({
  host: z.string().min(1).max(255).optional(),
  port: z.number().int().min(0).max(65_535).optional(),
  tls: z.strictObject({ cert: path, key: path }).optional(),
  drainSeconds: z.number().min(0).max(3600).optional(),
  log: z.enum(["debug", "info", "warn", "error", "silent"]).optional(),
  tracing: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }),
      headers: z.record(z.string(), z.string()).optional(),
      serviceName: z.string().min(1).max(255).optional(),
      ratio: z.number().min(0).max(1).optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      blobBytes: count.optional(),
      listedDigests: count.optional(),
      listBytes: count.optional(),
      requestsPerSecond: z.number().positive().optional(),
      burst: count.optional(),
      requestsPerClient: count.optional(),
      archives: count.optional(),
      archivesPerClient: count.optional(),
      connections: count.optional(),
      connectionsPerAddress: count.optional(),
    })
    .optional(),
  // What its entries are, and how many there may be, `trustedProxies` checks.
  trustedProxies: z.array(z.string()).optional(),
  // What is in these, and whether they go together, `parseAudit` and `parseAccess` check.
  audit: z.unknown().optional(),
  auth: z.unknown().optional(),
  hosts: z.unknown().optional(),
  cors: z.unknown().optional(),
  namespaces: z.unknown().optional(),
});

/**
 * Checks the server's part of a config (`server:`) and fills in what it leaves out: 127.0.0.1:7070,
 * without authentication, which holds on loopback only.
 *
 * @throws CONFIG_INVALID with the key that is wrong.
 */
export function parseServerConfig(input: unknown, overrides: ServerOverrides = {}): ServerConfig {
  const parsed = shape.safeParse(input ?? {});
  if (!parsed.success) throw invalid(parsed.error);
  const { limits = {}, tls, drainSeconds = 30, audit, ...rest } = parsed.data;
  const proxies = rest.trustedProxies ?? [];
  trustedProxies(proxies);
  const host = overrides.host ?? rest.host ?? serverHostDefault;
  const access = parseAccess({ ...parsed.data, host }, host, proxies.length > 0);
  const { blobBytes, listedDigests, requestsPerSecond, burst, requestsPerClient } = limits;
  const { connections, connectionsPerAddress, archives, archivesPerClient } = limits;
  return {
    host,
    port: overrides.port ?? rest.port ?? serverPortDefault,
    tls: overrides.tls ?? tls,
    drainMs: drainSeconds * 1000,
    access,
    log: rest.log ?? "error",
    tracing: rest.tracing,
    audit: parseAudit(audit, access.mode),
    limits: {
      ...(blobBytes === undefined ? {} : { blobBytesMax: blobBytes }),
      ...(listedDigests === undefined ? {} : { listedDigestsMax: listedDigests }),
      ...(limits.listBytes === undefined ? {} : { listBytesMax: limits.listBytes }),
    },
    clientLimits: {
      ...(requestsPerSecond === undefined ? {} : { requestsPerSecondMax: requestsPerSecond }),
      ...(burst === undefined ? {} : { burstMax: burst }),
      ...(requestsPerClient === undefined ? {} : { requestsPerClientMax: requestsPerClient }),
      ...(archives === undefined ? {} : { archivesMax: archives }),
      ...(archivesPerClient === undefined ? {} : { archivesPerClientMax: archivesPerClient }),
    },
    nodeLimits: {
      ...(connections === undefined ? {} : { connectionsMax: connections }),
      ...(connectionsPerAddress === undefined
        ? {}
        : { connectionsPerAddressMax: connectionsPerAddress }),
    },
    trustedProxies: proxies,
  };
}

function invalid(error: z.ZodError): StoreError {
  const [issue] = error.issues;
  const keys = ["server", ...(issue?.path ?? []).map(String)].join(".");
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "configure",
    subject: keys,
    message: issue === undefined ? "it is not what it should be" : issueWords(issue),
  });
}
