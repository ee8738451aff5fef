import type { BitstoreClient } from "@bitstore/client";
import { StoreError } from "@bitstore/core";
import type { BitstoreConfig, StoreConfig } from "../store-config.ts";
import type { OpenDependencies } from "./dependencies.ts";
import { importDriver } from "./import-driver.ts";
import { readSecret } from "./read-secret.ts";

const tokenVariable = "BITSTORE_TOKEN";

/**
 * Opens the client of another bitstore. Its token is in `BITSTORE_TOKEN`, unless the store has an
 * `authorization` header of its own. No request is made.
 *
 * @param attemptsMax 1 where layers above repeat what failed; the client's own number if left out.
 * @throws UNSUPPORTED where the client's package is not installed, CONFIG_INVALID for headers whose
 * secrets are not there.
 */
export async function openRemote(
  store: StoreConfig,
  { env, clock, random, proofs }: OpenDependencies,
  attemptsMax?: number,
): Promise<BitstoreClient> {
  const { location, connection } = store;
  if (location.kind !== "bitstore") {
    const message = "it is no other bitstore";
    throw new StoreError({ code: "INTERNAL", operation: "open", message });
  }
  const { bitstoreClient, memoryProofs } = await importDriver(
    "@bitstore/client",
    () => import("@bitstore/client"),
  );
  const { timeoutMs } = connection;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(connection.headers ?? {})) {
    headers[name] = await readHeader(name, value, env);
  }
  const url = location.base;
  const { authorization } = headers;
  const token = authorization === undefined ? env[tokenVariable]?.trim() : undefined;
  return bitstoreClient({
    url,
    token,
    headers,
    proofs: proofs?.({ url, token: authorization ?? token }, memoryProofs),
    environment: env,
    limits: {
      ...(attemptsMax === undefined ? {} : { attemptsMax }),
      ...(timeoutMs === undefined ? {} : { answerMs: timeoutMs, stallMs: timeoutMs }),
    },
    clock,
    random,
  });
}

/**
 * Hides the token of the environment where a config has several servers: it belongs to one of them, and
 * nobody says to which. Each then needs an `authorization` header of its own.
 */
export function withTokenOfOne(
  dependencies: OpenDependencies,
  { tiers, metadata }: BitstoreConfig,
): OpenDependencies {
  const stores = [
    ...tiers.map(({ store }) => store),
    ...(metadata === undefined ? [] : [metadata]),
  ];
  const servers = stores.flatMap(({ location }) =>
    location.kind === "bitstore" ? [URL.parse(location.base)?.origin] : [],
  );
  if (new Set(servers).size < 2) return dependencies;
  return { ...dependencies, env: { ...dependencies.env, [tokenVariable]: undefined } };
}

/** Reads a header's value, where a secret may stand behind a scheme: `Bearer env:API_TOKEN`. */
async function readHeader(
  name: string,
  value: string,
  env: OpenDependencies["env"],
): Promise<string> {
  const [, scheme = "", reference] = /^((?:\S+ +)?)((?:env|file):.+)$/.exec(value) ?? [];
  if (reference === undefined) return value;
  return scheme + (await readSecret(reference, `header ${name}`, env));
}
