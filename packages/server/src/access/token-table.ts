import { timingSafeEqual } from "node:crypto";
import { StoreError } from "@bitstore/core";
import { hashToken, isToken } from "./bearer-token.ts";
import type { Principal } from "./principal.ts";

/** A token as the config knows it. */
export interface TokenEntry extends Principal {
  /** `sha256:` and 64 lower-case hex digits, as `hashToken` gives. */
  readonly hash: string;
  /** When it ends; never, where left out. */
  readonly expiresAt: Date | undefined;
}

/** Finds whose token it is; rejects with UNAUTHENTICATED where it is nobody's, or has expired. */
export type FindToken = (token: string) => Principal;

/** Keeps tokens by the hashes of them. `date` is the wall clock, for those that expire. */
export function tokenTable(entries: readonly TokenEntry[], date: () => Date): FindToken {
  const known = new Map(
    entries.map((entry) => [entry.hash, { entry, digest: Buffer.from(entry.hash) }]),
  );
  return (token) => {
    // The look-up by hash leaks by its time at most a part of the hash of what the caller sent, which
    // the caller knows. What decides is compared in constant time all the same, over digests, so that
    // no change of the table above can turn it into a comparison of secrets.
    const digest = Buffer.from(hashToken(token));
    const found = isToken(token) ? known.get(digest.toString()) : undefined;
    if (found === undefined || !timingSafeEqual(found.digest, digest)) {
      throw unauthenticated("the token is not known here; make one with bitstore token create");
    }
    const { name, namespace, scopes, tagPrefixes, expiresAt } = found.entry;
    if (expiresAt !== undefined && expiresAt <= date()) {
      throw unauthenticated("the token has expired; make another with bitstore token create");
    }
    const expiresAtMs = expiresAt?.getTime();
    return { name, namespace, scopes, tagPrefixes, expiresAtMs };
  };
}

/** Makes the refusal of a caller who could not be told from others. */
export function unauthenticated(message: string, cause?: unknown): StoreError {
  return new StoreError({ code: "UNAUTHENTICATED", operation: "authenticate", message, cause });
}
