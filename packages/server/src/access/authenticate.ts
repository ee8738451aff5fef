import { looksLikeToken } from "./bearer-token.ts";
import type { Authenticate, Principal } from "./principal.ts";
import { type FindToken, unauthenticated } from "./token-table.ts";

export interface AuthenticateOptions {
  /** Tokens of the config. */
  readonly findToken: FindToken;
  /** Issuers of JWTs: the first whose answer is not UNAUTHENTICATED decides. */
  readonly jwt: ((token: string) => Promise<Principal>) | undefined;
  /** Who calls without credentials; undefined: nobody may. */
  readonly anonymous: Principal | undefined;
}

/** Characters of the longest Authorization header that is looked at. */
const headerCharsMax: number = 10 * 1024;

/**
 * Finds out who calls by the Authorization header. Credentials that don't hold are refused, also where
 * callers without any are let in: who sends a token means to be somebody.
 */
export function createAuthenticate(options: AuthenticateOptions): Authenticate {
  return async ({ authorization }) => {
    if (authorization === undefined) {
      if (options.anonymous !== undefined) return options.anonymous;
      throw unauthenticated("it needs a token; send Authorization: Bearer …");
    }
    if (authorization.length > headerCharsMax) throw unauthenticated("the header is too long");
    const token = /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization)?.[1];
    if (token === undefined) throw unauthenticated("the header is not Authorization: Bearer …");
    if (looksLikeToken(token) || options.jwt === undefined) return options.findToken(token);
    return await options.jwt(token);
  };
}

/** Who calls where no authentication is configured: anybody, with all scopes. */
export function openPrincipal(namespace = "default"): Principal {
  return {
    name: "anonymous",
    namespace,
    scopes: new Set(["read", "write", "delete", "tag", "admin"]),
    tagPrefixes: undefined,
  };
}
