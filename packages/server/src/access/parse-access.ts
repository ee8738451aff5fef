import { StoreError } from "@bitstore/core";
import { checkNamespace } from "@bitstore/tags";
import { z } from "zod";
import type { AccessConfig, JwtIssuerConfig, NamespaceConfig } from "./access-config.ts";
import { checkOrigin } from "./fence.ts";
import { isLoopback } from "./host.ts";
import { jwtAlgorithms, unsafeAlgorithm } from "./jwt.ts";
import type { Principal, Scope } from "./principal.ts";
import { checkTagPrefix, tagPrefixesMax } from "./tag-prefixes.ts";
import type { TokenEntry } from "./token-table.ts";
import { issueWords } from "../wire/issue-words.ts";

/** Tokens of one config; more principals than this belong to an issuer of JWTs. */
export const tokensMax = 1000;
export const namespacesMax = 100;
const listMax = 100;

/** Said by whoever opens a server to a network without authentication. */
const noneWords = "I understand that anyone who can connect can read, write and delete everything";

const text = z.string().min(1).max(2048);
const scopeList = z.array(z.enum(["read", "write", "delete", "tag", "admin"])).min(1);
const grant = {
  scopes: scopeList,
  namespace: text.optional(),
  tagPrefixes: z.array(text).min(1).max(tagPrefixesMax).optional(),
};
const tokenShape = z.strictObject({
  name: z.string().regex(/^[\w.@-]{1,64}$/, "has 1 to 64 of A-Z a-z 0-9 . _ @ -"),
  hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, "is sha256:HEX, as token create prints it"),
  expires: z.iso.datetime({ offset: true }).or(z.iso.date()).optional(),
  ...grant,
});
const claimsShape = z.strictObject({
  scope: text.optional(),
  scopePrefix: z.string().max(64).optional(),
  name: text.optional(),
  namespace: text.optional(),
  tagPrefixes: text.optional(),
});
const jwtShape = z.strictObject({
  issuer: text,
  audience: text,
  algorithms: z.array(text).min(1).max(listMax),
  jwksUrl: z.url().optional(),
  keys: z.array(z.record(z.string(), z.unknown())).min(1).max(listMax).optional(),
  allowPrivate: z.boolean().optional(),
  clockSkewSeconds: z.number().min(0).max(300).optional(),
  claims: claimsShape.optional(),
  namespace: text.optional(),
  scopes: scopeList.optional(),
});
const authShape = z.union([
  z.literal("none"),
  z.strictObject({ none: z.string() }),
  z.strictObject({
    tokens: z.array(tokenShape).max(tokensMax).optional(),
    jwt: z.union([jwtShape, z.array(jwtShape).max(listMax)]).optional(),
    anonymous: z.strictObject(grant).optional(),
    secret: z.union([text, z.array(text).min(1).max(4)]).optional(),
  }),
]);
const accessShape = z.object({
  host: z.string().optional(),
  auth: authShape.optional(),
  hosts: z.array(text).max(listMax).optional(),
  cors: z.strictObject({ origins: z.array(text).max(listMax) }).optional(),
  namespaces: z
    .record(z.string(), z.strictObject({ sources: z.array(text).max(32).optional() }).nullable())
    .optional(),
});
type Shape = z.infer<typeof accessShape>;
type Grant = {
  scopes: Scope[];
  namespace?: string | undefined;
  tagPrefixes?: string[] | undefined;
};

/**
 * Reads of the server's part of a config who may do what: `auth`, `hosts`, `cors` and `namespaces`;
 * other keys are others' to read. `host` is where it will listen: without authentication it listens on
 * loopback only, and for no proxy, which lets others in there, unless the config says in so many words
 * that it is meant.
 *
 * @throws CONFIG_INVALID with the key and what to do; no secret is in it.
 */
export function parseAccess(input: unknown, host: string, isProxied = false): AccessConfig {
  const parsed = accessShape.safeParse(input ?? {});
  if (!parsed.success) throw invalid(issueOf(parsed.error));
  const { auth, hosts = [], cors, namespaces: spaces = {} } = parsed.data;
  const namespaces = readNamespaces(spaces);
  const knows = (namespace = "default"): string => {
    if (namespace === "default" || namespaces.has(namespace)) return namespace;
    throw invalid(`auth names the namespace ${show(namespace)}, which server.namespaces lacks`);
  };
  const corsOrigins = (cors?.origins ?? []).map(checkOrigin);
  const shared = { hosts, corsOrigins, namespaces };
  if (auth === undefined || auth === "none" || "none" in auth) {
    checkOpen(auth, corsOrigins, isLoopback(host) ? proxied(isProxied) : `on ${host}`);
    const none = { tokens: [], jwt: [], anonymous: undefined, secrets: [] };
    return { mode: "none", ...none, ...shared };
  }
  const { tokens = [], jwt = [], anonymous, secret = [] } = auth;
  const access: AccessConfig = {
    mode: "required",
    tokens: readTokens(tokens, knows),
    jwt: readIssuers(Array.isArray(jwt) ? jwt : [jwt], knows),
    anonymous: anonymous && { name: "anonymous", ...readGrant(anonymous, knows) },
    secrets: typeof secret === "string" ? [secret] : secret,
    ...shared,
  };
  if (access.tokens.length + access.jwt.length === 0 && anonymous === undefined) {
    throw invalid("auth lets nobody in; add tokens (bitstore token create), jwt or anonymous");
  }
  return access;
}

const proxied = (isProxied: boolean): string | undefined =>
  isProxied ? "for those whom trustedProxies let in" : undefined;

/** Refuses to be open to more than this machine; `reach` says to whom it would be. */
function checkOpen(
  auth: Shape["auth"],
  corsOrigins: readonly string[],
  reach: string | undefined,
): void {
  if (corsOrigins.includes("*")) {
    throw invalid("cors.origins has *, which without auth lets every web page in; list origins");
  }
  if (reach === undefined) return;
  const said = typeof auth === "object" && "none" in auth ? auth.none : undefined;
  if (said === noneWords) return;
  throw invalid(
    `it would listen ${reach} without authentication; add auth with tokens (bitstore token ` +
      `create), listen on 127.0.0.1 without a proxy, or write auth: { none: ` +
      `${JSON.stringify(noneWords)} }`,
  );
}

function readNamespaces(
  spaces: NonNullable<Shape["namespaces"]>,
): ReadonlyMap<string, NamespaceConfig> {
  const names = Object.keys(spaces);
  if (names.length > namespacesMax) throw invalid(`namespaces has more than ${namespacesMax}`);
  for (const name of names) {
    checked(() => checkNamespace(name), "namespaces");
    // The audit log lies beside them.
    if (name === "audit") throw invalid("namespaces has audit, which is taken; choose another");
    if (name === "default") throw invalid("namespaces has default, which is the tiers themselves");
  }
  return new Map(names.map((name) => [name, { sources: spaces[name]?.sources ?? [] }]));
}

function readTokens(
  tokens: readonly z.infer<typeof tokenShape>[],
  knows: (namespace?: string) => string,
): readonly TokenEntry[] {
  const names = new Set<string>();
  const hashes = new Set<string>();
  return tokens.map(({ name, hash, expires, ...rest }) => {
    // The audit and the receipts know a token by its name.
    if (name === "anonymous") throw invalid("auth.tokens has the name anonymous, which is taken");
    if (names.has(name)) throw invalid(`auth.tokens has the name ${name} twice; keep one`);
    if (hashes.has(hash)) throw invalid(`auth.tokens has the token of ${name} twice; keep one`);
    names.add(name);
    hashes.add(hash);
    const expiresAt = expires === undefined ? undefined : new Date(expires);
    return { name, hash, expiresAt, ...readGrant(rest, knows) };
  });
}

function readGrant(
  { scopes, namespace, tagPrefixes }: Grant,
  knows: (namespace?: string) => string,
): Omit<Principal, "name"> {
  return {
    scopes: new Set(scopes),
    namespace: knows(namespace),
    tagPrefixes: tagPrefixes?.map((prefix) => checked(() => checkTagPrefix(prefix), "tagPrefixes")),
  };
}

function readIssuers(
  list: readonly z.infer<typeof jwtShape>[],
  knows: (namespace?: string) => string,
): readonly JwtIssuerConfig[] {
  const names = new Set<string>();
  return list.map((each) => {
    // A token is checked by the one entry of its issuer; a second one would take the place of the first.
    if (names.has(each.issuer)) throw invalid(`auth.jwt has the issuer ${each.issuer} twice`);
    names.add(each.issuer);
    return readIssuer(each, knows);
  });
}

function readIssuer(
  entry: z.infer<typeof jwtShape>,
  knows: (namespace?: string) => string,
): JwtIssuerConfig {
  const { issuer, audience, jwksUrl, keys, allowPrivate = false, claims = {} } = entry;
  const algorithms = entry.algorithms.map((name) => {
    const known = jwtAlgorithms.find((each) => each === name);
    if (known === undefined) throw unsafeAlgorithm(name);
    return known;
  });
  if ((jwksUrl === undefined) === (keys === undefined)) {
    throw invalid("auth.jwt needs jwksUrl or keys, one of the two");
  }
  return {
    issuer,
    audience,
    algorithms,
    clockSkewMs: (entry.clockSkewSeconds ?? 60) * 1000,
    claims: {
      scope: claims.scope ?? "scope",
      scopePrefix: claims.scopePrefix ?? "bitstore:",
      name: claims.name ?? "sub",
      namespace: claims.namespace,
      tagPrefixes: claims.tagPrefixes,
    },
    namespace: knows(entry.namespace),
    scopes: new Set(entry.scopes ?? ["read"]),
    keys:
      jwksUrl === undefined
        ? { kind: "inline", keys: keys ?? [] }
        : { kind: "url", url: checkKeysUrl(jwksUrl, allowPrivate), allowPrivate },
  };
}

function checkKeysUrl(written: string, allowPrivate: boolean): URL {
  const url = new URL(written);
  if (url.username !== "" || url.password !== "") {
    throw invalid("auth.jwt.jwksUrl has user info; keys are public and need none");
  }
  if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:")) {
    throw invalid("auth.jwt.jwksUrl is not https; whoever changes the answer could sign for all");
  }
  return url;
}

/** Runs a check of other parts, whose words are then said of a key of the config. */
function checked<T>(check: () => T, key: string): T {
  try {
    return check();
  } catch (error) {
    throw invalid(`${key}: ${error instanceof StoreError ? error.detail : String(error)}`);
  }
}

function issueOf(error: z.ZodError): string {
  const { path, message } = nearest(error.issues);
  return `${path.length === 0 ? "it" : path.map(String).join(".")}: ${message}`;
}

/** Of what is wrong in each of several forms, says what is wrong in the one that came furthest. */
function nearest(issues: readonly z.core.$ZodIssue[]): Pick<z.core.$ZodIssue, "path" | "message"> {
  const [issue] = issues;
  if (issue === undefined) return { path: [], message: "is not what it should be" };
  if (issue.code !== "invalid_union") return { path: issue.path, message: issueWords(issue) };
  const branches = issue.errors.filter((branch) => branch.length > 0).map(nearest);
  const [deepest] = branches.toSorted((one, other) => other.path.length - one.path.length);
  if (deepest === undefined) return { path: issue.path, message: issueWords(issue) };
  const { path, message } = branches.every((each) => each.path.length === 0)
    ? (branches.at(-1) ?? deepest)
    : deepest;
  return { path: [...issue.path, ...path], message };
}

function show(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function invalid(message: string): StoreError {
  return new StoreError({
    code: "CONFIG_INVALID",
    operation: "configure",
    subject: "server",
    message,
  });
}
