import { checkOrigin } from "./fence.ts";

export interface CorsOptions {
  /** Origins whose pages may read answers; none by default. `*` for all. */
  readonly origins: readonly string[];
}

/** What a page may read of an answer besides its body. */
const exposed =
  "Accept-Ranges, Bitstore-Receipt, Content-Length, Content-Range, ETag, Location, Repr-Digest, " +
  "Retry-After, X-Bitstore-Tier, X-Bitstore-Verified, X-Request-Id";
const methods = "GET, HEAD, POST, PUT, PATCH, DELETE";
const requestHeaders =
  "Authorization, Bitstore-Receipt, Content-Type, Content-Length, Idempotency-Key, If-Match, " +
  "If-None-Match, If-Range, Last-Event-ID, Range, Repr-Digest, X-Request-Id";
/** Browsers cap it at two hours, or less. */
const preflightSeconds = 7200;

/** Headers to add to an answer, by name. */
export type AddedHeaders = Readonly<Record<string, string>>;

/** What a cross-origin request is answered with. */
export interface Cors {
  /** Headers of an answer to a page of an origin; `Vary` even where that may not read it. */
  answer(origin: string | undefined): AddedHeaders;
  /** Headers of the answer 204 to a preflight; undefined where it may not go on. */
  preflight(origin: string | undefined, method: string | undefined): AddedHeaders | undefined;
}

/**
 * Lets pages of listed origins read answers. Cookies and the like are never allowed
 * (`Access-Control-Allow-Credentials` is not sent at all): a token is sent by the page itself or not at
 * all, so that `*` opens nothing to a page that has none.
 */
export function createCors({ origins }: CorsOptions): Cors {
  const listed = new Set(origins.map(checkOrigin));
  const all = listed.has("*");
  const allowed = (origin: string | undefined): string | undefined => {
    if (origin === undefined) return undefined;
    if (all) return "*";
    return listed.has(origin.toLowerCase()) ? origin : undefined;
  };
  const vary: AddedHeaders = all || listed.size === 0 ? {} : { vary: "Origin" };
  return {
    answer(origin) {
      const to = allowed(origin);
      if (to === undefined) return vary;
      return {
        ...vary,
        "access-control-allow-origin": to,
        "access-control-expose-headers": exposed,
      };
    },
    preflight(origin, method) {
      const to = allowed(origin);
      if (to === undefined || method === undefined) return undefined;
      return {
        ...vary,
        "access-control-allow-origin": to,
        "access-control-allow-methods": methods,
        "access-control-allow-headers": requestHeaders,
        "access-control-max-age": String(preflightSeconds),
      };
    },
  };
}
