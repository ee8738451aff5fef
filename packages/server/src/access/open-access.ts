import { randomBytes } from "node:crypto";
import { type Clock, StoreError } from "@bitstore/core";
import { createLocalJWKSet, decodeJwt } from "jose";
import type { AccessConfig, JwtIssuerConfig } from "./access-config.ts";
import { createAuthenticate, openPrincipal } from "./authenticate.ts";
import { type Cors, createCors } from "./cors.ts";
import { createFence, type Fence } from "./fence.ts";
import { fetchJson } from "./fetch-json.ts";
import { isLoopback } from "./host.ts";
import { jwtAuthenticator } from "./jwt.ts";
import { publicKeysOf, remoteKeys } from "./key-set.ts";
import type { Authenticate, Principal } from "./principal.ts";
import { createReceipts, type Receipts } from "./receipts.ts";
import { tokenTable, unauthenticated } from "./token-table.ts";

/** What decides about requests before a route sees them. */
export interface Access {
  readonly authenticate: Authenticate;
  readonly fence: Fence;
  readonly cors: Cors;
  readonly receipts: Receipts;
  /** Whether answers depend on who asks, so that no shared cache may keep them. */
  readonly isPrivate: boolean;
  /** The wall clock, by which credentials end. */
  readonly date: () => Date;
  /** The host that it was made for: where nobody is asked who they are, it holds for no other. */
  readonly host: string;
}

export interface OpenAccessOptions {
  /** Where the server listens. */
  readonly host: string;
  /**
   * The secrets that `AccessConfig.secrets` refer to. None: one of this process is made up, and a
   * receipt holds neither after a restart nor in another process.
   */
  readonly secrets: readonly Uint8Array[];
  readonly clock?: Clock | undefined;
  /** The wall clock, for what expires. */
  readonly date?: (() => Date) | undefined;
}

/** Bytes of the shortest secret: as many as its HMAC has. */
export const secretBytesMin = 32;

/** Makes of a config what decides about requests. @throws CONFIG_INVALID for a secret that is short. */
export function openAccess(config: AccessConfig, options: OpenAccessOptions): Access {
  const { host, clock, date = () => new Date() } = options;
  for (const secret of options.secrets) {
    if (secret.byteLength < secretBytesMin) throw shortSecret();
  }
  const secrets = options.secrets.length > 0 ? options.secrets : [randomBytes(secretBytesMin)];
  const isOpen = config.mode === "none";
  // Where hosts are listed they are meant, whoever calls; probes come by the address. Where callers
  // without credentials are let in, nothing but the name keeps out a page whose name was rebound.
  const isFenced = config.hosts.length > 0 || config.anonymous !== undefined;
  const also = isOpen && isLoopback(host) ? "loopback" : isOpen || isFenced ? "addresses" : "any";
  return {
    authenticate: createAuthenticate({
      findToken: tokenTable(config.tokens, date),
      jwt: config.jwt.length === 0 ? undefined : issuers(config.jwt, clock, date),
      anonymous: isOpen ? openPrincipal() : config.anonymous,
    }),
    fence: createFence({
      also,
      hosts: config.hosts,
      origins: config.corsOrigins,
    }),
    cors: createCors({ origins: config.corsOrigins }),
    receipts: createReceipts(secrets, date),
    isPrivate: !isOpen,
    date,
    host,
  };
}

/** Chooses the issuer that a token says it is of; whether it is, that issuer's keys decide. */
function issuers(
  list: readonly JwtIssuerConfig[],
  clock: Clock | undefined,
  date: () => Date,
): (token: string) => Promise<Principal> {
  const byIssuer = new Map(
    list.map(({ keys, ...options }) => {
      const find =
        keys.kind === "inline"
          ? createLocalJWKSet(publicKeysOf(keys, undefined))
          : remoteKeys({ url: keys.url, fetch: fetchJson(keys), clock });
      return [options.issuer, jwtAuthenticator({ ...options, keys: find, date })] as const;
    }),
  );
  return async (token) => {
    let issuer: string | undefined;
    try {
      issuer = decodeJwt(token).iss;
    } catch (error) {
      throw unauthenticated("it is no token that this server takes", error);
    }
    const authenticate = byIssuer.get(issuer ?? "");
    if (authenticate === undefined) throw unauthenticated("its issuer is none that is taken here");
    return await authenticate(token);
  };
}

/**
 * Refuses to listen elsewhere than the access was made for, where anybody may do all: what was let in
 * on loopback must not be let in from a network by another call.
 *
 * @throws CONFIG_INVALID
 */
export function checkListening({ isPrivate, host: meant }: Access, host: string): void {
  if (isPrivate || isLoopback(host) || host === meant) return;
  throw new StoreError({
    code: "CONFIG_INVALID",
    operation: "listen",
    subject: host,
    message:
      "it would let anybody do all; add auth with tokens (bitstore token create), or listen on 127.0.0.1",
  });
}

function shortSecret(): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "configure",
    subject: "server.auth.secret",
    message: `it has fewer than ${secretBytesMin} bytes; openssl rand -hex 32 makes one`,
  });
}
