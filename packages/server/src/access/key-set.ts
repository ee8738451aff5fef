import { type Clock, isStoreError, StoreError, systemClock } from "@bitstore/core";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { FetchJson } from "./fetch-json.ts";

export interface KeySetLimits {
  /** How long keys are taken before they are fetched again: so soon a withdrawn one is refused. */
  readonly freshMs: number;
  /** How long they are taken on while they can't be fetched again. */
  readonly staleMs: number;
  /** Between two fetches for a key that is not known: tokens are free to invent key ids. */
  readonly cooldownMs: number;
  readonly timeoutMs: number;
}

export const keySetLimitsDefault: KeySetLimits = {
  freshMs: 10 * 60_000,
  staleMs: 60 * 60_000,
  cooldownMs: 30_000,
  timeoutMs: 5_000,
};

export interface KeySetOptions {
  readonly url: URL;
  readonly fetch: FetchJson;
  readonly clock?: Clock | undefined;
  readonly limits?: Partial<KeySetLimits> | undefined;
}

/** Keys of one set. */
interface Keys {
  readonly find: JWTVerifyGetKey;
  readonly atMs: number;
}

/**
 * Finds the key that a JWT was signed with, in a key set that its issuer publishes. The set is kept; a
 * token whose key it lacks makes it be fetched again, so that a new key is taken at once, but not more
 * often than `cooldownMs`. All that wait share one fetch. Rejects with UNAVAILABLE where the issuer can't
 * be asked and what is kept does not answer: nobody is refused for an outage.
 */
export function remoteKeys({
  url,
  fetch,
  clock = systemClock,
  limits: given,
}: KeySetOptions): JWTVerifyGetKey {
  const limits = { ...keySetLimitsDefault, ...given };
  let keys: Keys | undefined;
  let last: { readonly atMs: number; readonly error: unknown } | undefined;
  let fetching: Promise<Keys> | undefined;

  async function fetchKeys(): Promise<Keys> {
    const atMs = clock.now();
    const timeout = new AbortController();
    const cancel = clock.after(limits.timeoutMs, () => timeout.abort());
    try {
      const found = createLocalJWKSet(publicKeysOf(await fetch(url, timeout.signal), url));
      last = { atMs, error: undefined };
      return (keys = { find: found, atMs });
    } catch (error) {
      last = { atMs, error };
      throw error;
    } finally {
      cancel();
      fetching = undefined;
    }
  }
  const isOlder = (atMs: number, ms: number): boolean => clock.now() - atMs >= ms;

  /** Fetches the set again, unless that was tried just now: then what came of it holds. */
  async function renewed(): Promise<Keys> {
    if (fetching === undefined && last !== undefined && !isOlder(last.atMs, limits.cooldownMs)) {
      if (last.error !== undefined) throw last.error;
      if (keys !== undefined) return keys;
    }
    return await (fetching ??= fetchKeys());
  }

  async function current(): Promise<Keys> {
    if (keys !== undefined && !isOlder(keys.atMs, limits.freshMs)) return keys;
    const kept = keys !== undefined && !isOlder(keys.atMs, limits.staleMs) ? keys : undefined;
    return await renewed().catch((error: unknown) => {
      if (kept === undefined) throw asUnavailable(error, url);
      return kept;
    });
  }

  return async (header, token) => {
    const held = await current();
    try {
      return await held.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      const fresh = await renewed().catch((failure: unknown) => {
        throw asUnavailable(failure, url);
      });
      if (fresh === held) throw error;
      return await fresh.find(header, token);
    }
  };
}

/** Keys in a set that is taken. */
const keysMax = 100;

/**
 * Keeps of a document the keys that may verify. A symmetric one is left out: a set that everybody can
 * read holds no secret, and one that were taken as such would let everybody sign.
 */
export function publicKeysOf(document: unknown, url: URL | undefined): JSONWebKeySet {
  const list =
    typeof document === "object" && document !== null && "keys" in document
      ? document.keys
      : undefined;
  if (!Array.isArray(list) || list.length > keysMax) {
    throw new StoreError({
      code: "UNAVAILABLE",
      operation: "fetch",
      subject: url === undefined ? undefined : url.origin + url.pathname,
      message: `it is no key set of at most ${keysMax} keys`,
    });
  }
  const taken = new Set(["EC", "RSA", "OKP"]);
  return { keys: list.filter((key: { kty?: unknown } | null) => taken.has(String(key?.kty))) };
}

function asUnavailable(error: unknown, url: URL): StoreError {
  if (isStoreError(error)) return error;
  return new StoreError({
    code: "UNAVAILABLE",
    operation: "fetch",
    subject: url.origin + url.pathname,
    message: "the keys can't be fetched",
    cause: error,
  });
}
