import { isStoreError, StoreError } from "@bitstore/core";
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { type Principal, type Scope, scopes } from "./principal.ts";
import { checkTagPrefix, tagPrefixesMax } from "./tag-prefixes.ts";
import { unauthenticated } from "./token-table.ts";

/**
 * Algorithms that may be allowed: those with a public key. `none` and the symmetric ones are no members,
 * so no config can let a public key be used as a shared secret.
 */
export const jwtAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

/** Which claim says what; undefined: none does. */
export interface JwtClaims {
  /** Words of scopes, as a list or a text with spaces (RFC 8693). */
  readonly scope: string;
  /** Stands before each of our words among others', such as `bitstore:`. */
  readonly scopePrefix: string;
  /** The name for logs. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly tagPrefixes: string | undefined;
}

export interface JwtOptions {
  readonly keys: JWTVerifyGetKey;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly JwtAlgorithm[];
  /** What the clocks of issuer and server may differ by. */
  readonly clockSkewMs: number;
  readonly claims: JwtClaims;
  /** The namespace of tokens that say none. */
  readonly namespace: string;
  /** Scopes that tokens of this issuer may have at most. */
  readonly scopes: ReadonlySet<Scope>;
  readonly date: () => Date;
}

/** Characters of the longest JWT that is looked at. */
const jwtCharsMax: number = 8 * 1024;
/** Bytes of a name with its issuer, as a tag's history takes it for who wrote. */
const nameBytesMax = 256;

/**
 * Makes who calls out of a JWT. Signature, issuer, audience and times must hold, and the token must say
 * when it ends. Rejects with UNAUTHENTICATED where one does not; UNAVAILABLE where the issuer's keys
 * can't be fetched.
 */
export function jwtAuthenticator(options: JwtOptions): (token: string) => Promise<Principal> {
  const { keys, issuer, audience, algorithms, clockSkewMs, date } = options;
  return async (token) => {
    if (token.length > jwtCharsMax) throw unauthenticated("the token is too long");
    const checks = {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance: clockSkewMs / 1000,
      currentDate: date(),
      requiredClaims: ["exp", options.claims.name],
    };
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, keys, checks));
    } catch (error) {
      // An outage of the issuer is no fault of the caller's, and is said as it is.
      if (isStoreError(error)) throw error;
      throw unauthenticated(problemOf(error), error);
    }
    return principalOf(payload, options);
  };
}

function principalOf(payload: JWTPayload, options: JwtOptions): Principal {
  const { claims, issuer } = options;
  const subject = payload[claims.name];
  // Two issuers, and the names of tokens, must not be taken for one another.
  const name = `${issuer}#${typeof subject === "string" ? subject : ""}`;
  if (name.endsWith("#") || !/^[\P{C}]*$/u.test(name) || Buffer.byteLength(name) > nameBytesMax) {
    throw unauthenticated(`its claim ${claims.name} is no short text`);
  }
  const namespace = claims.namespace === undefined ? undefined : payload[claims.namespace];
  // Where a claim is configured it must be there: one left out by mistake would else open another's.
  if (claims.namespace !== undefined && typeof namespace !== "string") {
    throw unauthenticated(`its claim ${claims.namespace} is no text`);
  }
  return {
    name,
    namespace: typeof namespace === "string" ? namespace : options.namespace,
    scopes: scopesOf(payload[claims.scope], claims.scopePrefix, options.scopes),
    tagPrefixes: tagPrefixesOf(payload, claims.tagPrefixes),
    // Until then the token is taken, as the clocks may differ.
    expiresAtMs: payload.exp === undefined ? undefined : payload.exp * 1000 + options.clockSkewMs,
  };
}

function scopesOf(value: unknown, prefix: string, most: ReadonlySet<Scope>): ReadonlySet<Scope> {
  const words: readonly unknown[] =
    typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value : [];
  const found = new Set(words);
  return new Set(scopes.filter((scope) => most.has(scope) && found.has(prefix + scope)));
}

/**
 * Reads the prefixes that a token is confined to. Where a claim is configured it must be there: one
 * that was left out by mistake would else open all tags.
 */
function tagPrefixesOf(
  payload: JWTPayload,
  claim: string | undefined,
): readonly string[] | undefined {
  if (claim === undefined) return undefined;
  const value = payload[claim];
  const list = typeof value === "string" ? value.split(" ") : value;
  if (!Array.isArray(list) || list.length > tagPrefixesMax) {
    throw unauthenticated(`its claim ${claim} lists no tag prefixes`);
  }
  try {
    return list.map((prefix: unknown) => checkTagPrefix(String(prefix)));
  } catch (error) {
    if (!isStoreError(error)) throw error;
    throw unauthenticated(`its claim ${claim} has something that is no tag prefix`, error);
  }
}

/** Says what is wrong without a word of the token. */
function problemOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the token has expired; get another one";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return `its claim ${error.claim} is not what this server takes`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return "it is signed in a way that is not allowed";
  if (error instanceof errors.JWKSNoMatchingKey) return "no key of its issuer fits";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature does not hold";
  return "it is no token that this server takes";
}

/** Makes the refusal of a config that asks for what can't be safe. */
export function unsafeAlgorithm(name: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "configure",
    subject: `algorithm ${JSON.stringify(name.slice(0, 40))}`,
    message: `it is not one of ${jwtAlgorithms.join(", ")}`,
  });
}
